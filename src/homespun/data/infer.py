"""Columns of text in DuckDB: what they hold is learned, and applied, by SQL.

A million prices have few *shapes*: "£8,000" and "£1,250" are both "£9,999". Whether a text is a number, its currency, unit
and decimal sign depend on the shape alone (and on whether the number begins with 0), so the rules of `quantities` are asked
once per shape, with its count; one expression then turns all texts into numbers. `quantities.quantity_value` is the oracle:
one text of every shape is read by both, and where they differ the column is read text by text.

    shape(text) = translate(text, '012345678', '999999999'), begins with 0?

Plain numbers, most columns of most files, are counted by one regular expression and cast.

Cost: two or three scans of the column by DuckDB's threads; Python sees the shapes.  Not handled here: columns that came
typed (`recipe`).
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.dates import learn_date, parse_dates
from homespun.data.flags import flag_value, learn_flag
from homespun.data.missing import MISSING, missing_words
from homespun.data.number_sql import BLANKS, DATEISH, NUMBERISH, PLAIN, number_sql
from homespun.data.quantities import learn_quantity, quantity_value
from homespun.data.recipe import Settings, number_words, plain_number, split_name, whole
from homespun.data.table import Decision

OUTER = r"^[\s\pZ\x0b\x1c-\x1f\x{85}]|[\s\pZ\x0b\x1c-\x1f\x{85}]$"
MANY = 20_000  # shapes of a column: more are no numbers


class TextColumns:
    """The columns of a DuckDB table that hold text.

    Parameters
    ----------
    connection : DuckDB connection
    columns : dict
        Name → its column in the table ``raw``.
    rows : int
    settings : Settings
        What the user knows already.
    source : str
        For errors.
    """

    def __init__(self, connection, columns: dict[str, str], rows: int, settings: Settings, source: str):
        self.connection, self.columns, self.rows = connection, columns, rows
        self.settings, self.source = settings, source
        self._counts: dict[str, tuple[int, int, bool]] = {}
        self._known_shapes: dict[str, list] = {}
        self._plans: dict[str, list[tuple[str, str, str]]] = {}
        self._plain: set[str] = set()  # columns of plain numbers and missing words

    def query(self, query: str):
        return engine.run(self.connection, query, self.source)

    def text(self, name: str) -> str:
        """The column's text in SQL, without blanks around it."""
        if not self._counts:
            self.count()
        return f"trim({self.columns[name]}, {engine.text(BLANKS)})" if self._counts[name][2] else self.columns[name]

    def count(self) -> None:
        """How many texts each column has, how many are plain numbers, and whether any has blanks around it (to take them away
        is dear): a scan or two for fifty columns."""
        names = list(self.columns)
        for begin in range(0, len(names), 50):
            some = names[begin : begin + 50]
            wanted = ", ".join(
                f"count(nullif({self.columns[name]}, '')), "
                f"count_if(regexp_full_match({self.columns[name]}, {engine.text(PLAIN)}))"
                for name in some
            )
            found = self.query(f"SELECT {wanted} FROM raw").fetchone()
            for i, name in enumerate(some):
                self._counts[name] = (found[2 * i], found[2 * i + 1], False)
            texts = [name for name in some if self._counts[name][0] > self._counts[name][1]]
            if texts:
                wanted = ", ".join(
                    f"coalesce(bool_or(regexp_matches({self.columns[name]}, {engine.text(OUTER)})), false)"
                    for name in texts
                )
                for name, blanks in zip(texts, self.query(f"SELECT {wanted} FROM raw").fetchone()):
                    self._counts[name] = (*self._counts[name][:2], blanks)

    # -- learning -------------------------------------------------------------------------------------------------------

    def learn(self, name: str, kind: str | None) -> tuple[dict, list[Decision]]:
        """The recipe of a column with the decisions behind it, as `recipe.learn_recipe` finds it."""
        if not self._counts:
            self.count()
        filled, plain, _ = self._counts[name]
        if plain and plain == filled and kind in (None, "number") and self.settings.decimal != ",":
            return plain_number(), []
        text = self.text(name)
        missing, decisions = self._missing(name, text)
        gone = self._in(text, missing)
        kept, distinct, numberish, dateish = self.query(
            f"SELECT count(*), approx_count_distinct({text}), count_if(regexp_full_match({text}, {engine.text(NUMBERISH)})), "
            f"count_if(regexp_matches({text}, {engine.text(DATEISH)})) FROM raw "
            f"WHERE {self.columns[name]} IS NOT NULL AND NOT {gone}"
        ).fetchone()
        if not kept:
            return {"kind": "empty"}, [*decisions, Decision(name, "empty", None, "no value at all")]
        if plain == kept and kind in (None, "number") and self.settings.decimal != ",":
            self._plain.add(name)
            return plain_number() | {"missing": sorted(missing)} | self._only(), decisions
        recipe: dict | None = None
        why: list[tuple] = []
        if kind in (None, "flag") and distinct <= 20:
            texts = [value for value, _ in self._values(name, gone, 100)]
            recipe = learn_flag(texts) if len(texts) <= 8 else None
            if recipe:
                why = [
                    (
                        "flag",
                        {value: flag_value(value, recipe) for value in texts},
                        f"only {', '.join(map(repr, texts))}",
                    )
                ]
        if recipe is None and kind in (None, "number") and numberish >= 0.5 * kept:
            recipe, why = self._learn_number(name, text, gone)
        if recipe is None and kind in (None, "date") and dateish >= 0.995 * kept and dateish:
            values, counts = map(list, zip(*self._values(name, gone)))
            recipe, doubt = learn_date(values, counts, order=self.settings.date_order)
            if recipe:
                why = [
                    (
                        "date",
                        recipe["format"],
                        doubt or f"fits all {len(values)} distinct values, such as {values[0]!r}",
                    )
                ]
            elif doubt:
                why = [("text", "ambiguous date", doubt)]
        if recipe is None and kind not in (None, "text"):
            example = self._values(name, gone, 1)[0][0]
            raise DataError(
                f"column {name!r} cannot be read as {kind}: "
                f"{'; '.join(evidence for *_, evidence in why) or 'its values do not fit'}, "
                f"such as {example!r}",
                operation="read",
                operands={"column": name, "kind": kind},
                rule=f"every value a {kind}",
            )
        recipe = recipe or {"kind": "text"}
        recipe["missing"] = sorted(missing)
        return recipe | self._only(), decisions + [Decision(name, *note) for note in why]

    def _only(self) -> dict:
        return {} if self.settings.missing is None else {"missing_only": True}

    def _missing(self, name: str, text: str) -> tuple[set[str], list[Decision]]:
        words = MISSING if self.settings.missing is None else {word.lower() for word in self.settings.missing}
        found = dict(
            self.query(
                f"SELECT {text}, count(*) FROM raw WHERE lower({text}) IN ({', '.join(map(engine.text, sorted(words | {''})))}) "
                "GROUP BY 1"
            ).fetchall()
        )
        if "NA" in found and self.settings.missing is None:  # Namibia: `missing_words` says when
            others = [
                value
                for (value,) in self.query(
                    f"SELECT DISTINCT {text} FROM raw WHERE {text} IS NOT NULL LIMIT 2000"
                ).fetchall()
            ]
            if "NA" not in missing_words([*others, "NA"]):
                del found["NA"]
        shown = sorted(word for word in found if word)
        said = (
            [Decision(name, "missing", shown, f"{sum(found[word] for word in shown)} of {self.rows} values")]
            if shown
            else []
        )
        return set(found), said

    @staticmethod
    def _in(text: str, words) -> str:
        return f"{text} IN ({', '.join(map(engine.text, sorted(set(words) | {''})))})"

    def _values(self, name: str, gone: str, limit: int | None = None) -> list[tuple[str, int]]:
        """Distinct texts in order of appearance, with their counts."""
        text = self.text(name)
        return self.query(
            f"SELECT {text}, count(*) FROM raw WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} "
            "GROUP BY 1 ORDER BY min(rowid) " + (f"LIMIT {limit}" if limit else "")
        ).fetchall()

    def _shapes(self, name: str, gone: str):
        """(shape, begins with 0, rows, distinct texts, an example) in order of appearance; None if there are too many."""
        text = self.text(name)
        found = self.query(
            f"SELECT translate({text}, '012345678', '999999999') AS shape, regexp_matches({text}, '^[^0-9]*0') AS zero, "
            f"count(*), approx_count_distinct({text}), "
            f"CASE WHEN length(shape) < 16 THEN arg_min({text}, rowid) ELSE max({text}) END "
            f"FROM raw WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} GROUP BY 1, 2 ORDER BY min(rowid) LIMIT {MANY + 1}"
        ).fetchall()
        return None if len(found) > MANY else found

    def _learn_number(self, name: str, text: str, gone: str) -> tuple[dict | None, list[tuple]]:
        shapes = self._shapes(name, gone)
        if shapes is None:
            return None, []
        self._known_shapes[name] = shapes
        examples = [example for *_, example in shapes]
        recipe, notes = learn_quantity(
            examples,
            [rows for _, _, rows, _, _ in shapes],
            distinct=[many for _, _, _, many, _ in shapes],
            point=self.settings.decimal,
        )
        if recipe is None or not recipe["words"]:
            return recipe, notes
        words = set(recipe["words"])  # one of each shape; the recipe names them all
        odd = [(shape, zero) for shape, zero, _, _, example in shapes if example in words]
        pairs = ", ".join(f"({engine.text(shape)}, {str(zero).lower()})" for shape, zero in odd)
        every = [
            value
            for (value,) in self.query(
                f"SELECT DISTINCT {text} FROM raw WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} AND "
                f"(translate({text}, '012345678', '999999999'), regexp_matches({text}, '^[^0-9]*0')) IN ({pairs}) ORDER BY 1"
            ).fetchall()
        ]
        recipe["words"] = every
        said = [
            (kind, sorted(every) if kind == "words as missing" else value, evidence) for kind, value, evidence in notes
        ]
        return recipe, said

    # -- applying -------------------------------------------------------------------------------------------------------

    def apply(self, recipes: dict[str, dict], *, learned: bool = True, rows: str = "") -> dict[str, dict]:
        """For each column the typed ones (name → array) that its recipe makes; what does not fit is refused with its row.

        `learned`: the recipes come from these very columns, and every value is known to fit. `rows`: an SQL clause that takes
        some of the rows; the recipes must then be the same in every call. A few queries for all columns: DuckDB's threads
        then share the work.
        """
        plans: list[tuple[str, str, str, str]] = []  # column, column made, SQL, how it ends
        for name, recipe in recipes.items():
            if name not in self._plans:  # the same for every piece of the rows
                self._plans[name] = self._plan(name, recipe, learned)
            plans += [(name, *plan) for plan in self._plans[name]]
        made: dict[str, dict] = {name: {} for name in recipes}
        for begin in range(0, len(plans), 16):
            some = plans[begin : begin + 16]
            listed = ", ".join(f"{expression} AS x{i}" for i, (_, _, expression, _) in enumerate(some))
            frame = self.query(f"SELECT {listed} FROM raw {rows}").df()
            for i, (name, new, _, end) in enumerate(some):
                made[name][new] = self._ended(name, recipes[name], frame[f"x{i}"], end, learned)
        return made

    def _ended(self, name: str, recipe: dict, column, end: str, learned: bool):
        if end == "text":
            return column
        if end == "moment":
            return column.to_numpy().astype("datetime64[us]")
        if end == "date":
            days = parse_dates(column, recipe["format"]).to_numpy().astype("datetime64[us]")
            if not learned:
                self._refuse_rows(
                    name,
                    np.flatnonzero(np.isnat(days) & column.notna().to_numpy()),
                    column,
                    f"a date such as {recipe['format']!r}",
                )
            return days
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return whole(numbers) if end == "whole" else numbers

    def _plan(self, name: str, recipe: dict, learned: bool) -> list[tuple[str, str, str]]:
        """(column made, SQL, how it ends) for one column."""
        kind = recipe["kind"]
        if kind == "empty":
            return [(name, "CAST(NULL AS DOUBLE)", "float")]
        text = self.text(name)
        missing = set(recipe.get("missing", ())) | set(recipe.get("words", ()))
        if not learned and not recipe.get("missing_only"):
            missing |= self._missing(name, text)[0]
        gone = self._in(text, missing)
        present = f"CASE WHEN {gone} THEN NULL ELSE {text} END" if missing - {""} else f"nullif({text}, '')"
        if kind == "text":
            return [(name, present, "text")]
        if kind == "date":
            return [self._date_plan(name, recipe, present, gone)]
        if kind == "flag":
            return [(name, self._flag_sql(name, recipe, text, gone), "whole")]
        filled, plain, _ = self._counts.get(name, (0, -1, False))
        if learned and plain == filled:
            column = self.columns[name]
            return [
                (
                    name,
                    f"CAST({column} AS DOUBLE)" if filled == self.rows else f"CAST(nullif({column}, '') AS DOUBLE)",
                    "whole",
                )
            ]
        if learned and name in self._plain:
            return [(name, f"CAST({present} AS DOUBLE)", "whole")]
        return self._number_plan(name, recipe, present, gone)

    def _date_plan(self, name: str, recipe: dict, present: str, gone: str) -> tuple[str, str, str]:
        """By DuckDB's strptime where it agrees with `parse_dates` on every distinct text, else by `parse_dates`."""
        form = engine.text(recipe["format"])
        if "%z" in form:
            return name, present, "date"
        values = self.query(
            f"SELECT DISTINCT t, try_strptime(t, {form}) AS moment FROM (SELECT {present} AS t FROM raw) WHERE t IS NOT NULL "
            "LIMIT 200001"
        ).df()
        if len(values) > 200_000:
            return name, present, "date"
        ours = parse_dates(values["t"], recipe["format"]).to_numpy().astype("datetime64[us]")
        theirs = values["moment"].to_numpy().astype("datetime64[us]")
        same = len(values) and not np.isnat(ours).any() and (ours == theirs).all()
        return (name, f"try_strptime({present}, {form})", "moment") if same else (name, present, "date")

    def _flag_sql(self, name, recipe, text, gone) -> str:
        cases = []
        for value, _ in self._values(name, gone, 1000):
            number = flag_value(value, recipe)
            if number is None:
                self._refuse_value(name, value, f"{recipe['on']!r} or {recipe['off']!r}")
            elif number == number:
                cases.append(f"WHEN {engine.text(value)} THEN {number}")
        return f"CAST(CASE {text} {' '.join(cases)} END AS DOUBLE)" if cases else "CAST(NULL AS DOUBLE)"

    def _number_plan(self, name, recipe, present, gone) -> list[tuple[str, str, str]]:
        shapes = self._known_shapes.get(name) or self._shapes(name, gone)
        if shapes is None:  # more shapes than any column of numbers has: text by text
            examples = [value for value, _ in self._values(name, gone)]
        else:
            examples = [example for *_, example in shapes]
        examples = [example for example in examples if example not in set(recipe["words"])]
        read = []
        for example in examples:
            pair = quantity_value(example, recipe)
            if pair is None:
                self._refuse_value(name, example, number_words(recipe))
            read.append(pair)
        value, followed = number_sql("t", recipe, examples)
        if not self._agrees(value, followed, examples, read):
            raise DataError(
                f"column {name!r} is written in a way that only small tables can be read in, such as {examples[0]!r}",
                operation="read",
                operands={"column": name},
                rule="numbers",
                suggestion=f"types={{{name!r}: 'text'}}",
            )
        value, followed = number_sql(f"({present})", recipe, examples)
        return [(name, value, "whole")] + ([(split_name(name, recipe), followed, "float")] if recipe["split"] else [])

    def _agrees(self, value: str, followed: str, examples: list[str], read: list) -> bool:
        """Whether SQL reads the examples as the oracle does."""
        if not examples:
            return True
        listed = ", ".join(f"({i}, {engine.text(example)})" for i, example in enumerate(examples))
        found = self.query(f"SELECT {value}, {followed} FROM (VALUES {listed}) AS examples(i, t) ORDER BY i").fetchall()
        return all(
            number == mine and bool(flag) == bool(follows) for (mine, flag), (number, follows) in zip(found, read)
        )

    def _refuse_value(self, name: str, value: str, wanted: str) -> None:
        row, count = self.query(
            f"SELECT min(rowid) + 1, count(*) FROM raw WHERE {self.text(name)} = {engine.text(value)}"
        ).fetchone()
        raise refused(name, value, row, count, wanted)

    def _refuse_rows(self, name: str, wrong: np.ndarray, made, wanted: str) -> None:
        if len(wrong):
            raise refused(name, made.iloc[wrong[0]], int(wrong[0]) + 1, len(wrong), wanted)


def refused(name: str, value: str, row: int, rows: int, wanted: str) -> DataError:
    """The error for a value that does not fit a recipe."""
    return DataError(
        f"column {name!r} must hold {wanted}, got {value!r} in row {row}"
        + (f" (and {rows - 1} more rows)" if rows > 1 else ""),
        operation="read",
        operands={"column": name, "row": row, "value": value},
        rule=wanted,
        suggestion="write it in the same way as the data that the model was trained on, or leave it blank",
    )
