"""Columns of text in DuckDB: what they hold is learned by SQL (`convert` then applies it).

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

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.dates import learn_date
from homespun.data.flags import flag_value, learn_flag
from homespun.data.missing import MISSING, kept_words, missing_words
from homespun.data.number_sql import BLANKS, DATEISH, NUMBERISH, PLAIN
from homespun.data.quantities import learn_quantity
from homespun.data.recipe import Settings, plain_number
from homespun.data.table import Decision

OUTER = r"^[\s\pZ\x0b\x1c-\x1f\x{85}]|[\s\pZ\x0b\x1c-\x1f\x{85}]$"
MANY = 20_000  # shapes of a column: more are no numbers


class TextColumns:
    """The columns of a DuckDB table that hold text.

    Parameters
    ----------
    connection : DuckDB connection
    columns : dict
        Name → its column in the table.
    rows : int
    settings : Settings
        What the user knows already.
    source : str
        For errors.
    table : str, default "raw"
        A table, not a view: rows are told apart by their ``rowid``.

    Attributes
    ----------
    counts : dict
        Column → how many texts it has, how many of them are plain numbers, whether any has blanks around it.
    known_shapes : dict
        Column of numbers → its shapes, as `shapes` returns them.
    plain : set of str
        Columns of plain numbers and words for "missing".
    """

    def __init__(self, connection, columns: dict[str, str], rows: int, settings: Settings, source: str, table: str = "raw"):
        self.connection, self.columns, self.rows = connection, columns, rows
        self.settings, self.source, self.table = settings, source, table
        self.counts: dict[str, tuple[int, int, bool]] = {}
        self.known_shapes: dict[str, list] = {}
        self.plain: set[str] = set()

    def query(self, query: str):
        return engine.run(self.connection, query, self.source)

    def text(self, name: str) -> str:
        """The column's text in SQL, without blanks around it."""
        if not self.counts:
            self.count()
        return f"trim({self.columns[name]}, {engine.text(BLANKS)})" if self.counts[name][2] else self.columns[name]

    def count(self) -> None:
        """How many texts each column has, how many are plain numbers, and whether any has blanks around it (to take them away
        is dear): a scan or two for fifty columns."""
        names = list(self.columns)
        for begin in range(0, len(names), 50):
            some = names[begin : begin + 50]
            wanted = ", ".join(
                f"count(nullif({self.columns[name]}, '')), "
                f"coalesce(count_if(regexp_full_match({self.columns[name]}, {engine.text(PLAIN)})), 0)"
                for name in some
            )
            found = self.query(f"SELECT {wanted} FROM {self.table}").fetchone()
            for i, name in enumerate(some):
                self.counts[name] = (found[2 * i], found[2 * i + 1], False)
            texts = [name for name in some if self.counts[name][0] > self.counts[name][1]]
            if texts:
                wanted = ", ".join(
                    f"coalesce(bool_or(regexp_matches({self.columns[name]}, {engine.text(OUTER)})), false)"
                    for name in texts
                )
                for name, blanks in zip(texts, self.query(f"SELECT {wanted} FROM {self.table}").fetchone()):
                    self.counts[name] = (*self.counts[name][:2], blanks)

    # -- learning -------------------------------------------------------------------------------------------------------

    def learn(self, name: str, kind: str | None) -> tuple[dict, list[Decision]]:
        """The recipe of a column with the decisions behind it, as `recipe.learn_recipe` finds it."""
        if not self.counts:
            self.count()
        filled, plain, _ = self.counts[name]
        usual = self.settings.missing is None  # a word for "missing" that the user named may be a number
        if plain and plain == filled and kind in (None, "number") and self.settings.decimal != "," and usual:
            return plain_number(), []
        text = self.text(name)
        missing, decisions = self.missing(name, text)
        gone = self.in_words(text, missing)
        kept, distinct, numberish, dateish = self.query(
            f"SELECT count(*), approx_count_distinct({text}), count_if(regexp_full_match({text}, {engine.text(NUMBERISH)})), "
            f"count_if(regexp_matches({text}, {engine.text(DATEISH)})) FROM {self.table} "
            f"WHERE {self.columns[name]} IS NOT NULL AND NOT {gone}"
        ).fetchone()
        if not kept:
            return {"kind": "empty"}, [*decisions, Decision(name, "empty", None, "no value at all")]
        if plain == kept and kind in (None, "number") and self.settings.decimal != ",":
            self.plain.add(name)
            return plain_number() | {"missing": sorted(missing)} | self._only(), decisions
        recipe: dict | None = None
        why: list[tuple] = []
        if kind in (None, "flag") and distinct <= 20:
            texts = [value for value, _ in self.values(name, gone, 100)]
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
            values, counts = map(list, zip(*self.values(name, gone)))
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
            example = self.values(name, gone, 1)[0][0]
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
        if recipe["kind"] == "text" and usual and distinct <= 1000:  # of codes there are 676
            words = kept_words([value for value, _ in self.values(name, gone, 2000)])
            recipe |= {"kept": words} if words else {}
        return recipe | self._only(), decisions + [Decision(name, *note) for note in why]

    def _only(self) -> dict:
        return {} if self.settings.missing is None else {"missing_only": True}

    def missing(self, name: str, text: str) -> tuple[set[str], list[Decision]]:
        words = MISSING if self.settings.missing is None else {word.lower() for word in self.settings.missing}
        among = engine.texts(words | {""})
        found = dict(
            self.query(f"SELECT {text}, count(*) FROM {self.table} WHERE lower({text}) IN ({among}) GROUP BY 1").fetchall()
        )
        if "NA" in found and self.settings.missing is None:  # Namibia: `missing_words` says when
            others = [
                value
                for (value,) in self.query(
                    f"SELECT DISTINCT {text} FROM {self.table} WHERE {text} IS NOT NULL LIMIT 2000"
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
    def in_words(text: str, words) -> str:
        return f"{text} IN ({', '.join(map(engine.text, sorted(set(words) | {''})))})"

    def values(self, name: str, gone: str, limit: int | None = None) -> list[tuple[str, int]]:
        """Distinct texts in order of appearance, with their counts."""
        text = self.text(name)
        return self.query(
            f"SELECT {text}, count(*) FROM {self.table} WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} "
            "GROUP BY 1 ORDER BY min(rowid) " + (f"LIMIT {limit}" if limit else "")
        ).fetchall()

    def shapes(self, name: str, gone: str):
        """(shape, begins with 0, rows, distinct texts, an example) in order of appearance; None if there are too many."""
        text = self.text(name)
        found = self.query(
            f"SELECT translate({text}, '012345678', '999999999') AS shape, regexp_matches({text}, '^[^0-9]*0') AS zero, "
            f"count(*), approx_count_distinct({text}), "
            f"CASE WHEN length(shape) < 16 THEN arg_min({text}, rowid) ELSE max({text}) END "
            f"FROM {self.table} WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} "
            f"GROUP BY 1, 2 ORDER BY min(rowid) LIMIT {MANY + 1}"
        ).fetchall()
        return None if len(found) > MANY else found

    def _learn_number(self, name: str, text: str, gone: str) -> tuple[dict | None, list[tuple]]:
        shapes = self.shapes(name, gone)
        if shapes is None:
            return None, []
        self.known_shapes[name] = shapes
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
                f"SELECT DISTINCT {text} FROM {self.table} WHERE {self.columns[name]} IS NOT NULL AND NOT {gone} AND "
                f"(translate({text}, '012345678', '999999999'), regexp_matches({text}, '^[^0-9]*0')) IN ({pairs}) ORDER BY 1"
            ).fetchall()
        ]
        recipe["words"] = every
        said = [
            (kind, sorted(every) if kind == "words as missing" else value, evidence) for kind, value, evidence in notes
        ]
        return recipe, said
