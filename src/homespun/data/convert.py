"""The texts of a DuckDB table become numbers, flags, dates and clean texts, by SQL; the second half of `infer`.

A few queries for all columns: DuckDB's threads then share the work.  What does not fit a recipe is refused with its row.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError
from homespun.data import engine
from homespun.data.dates import parse_dates
from homespun.data.flags import flag_value
from homespun.data.infer import TextColumns
from homespun.data.number_sql import number_sql
from homespun.data.quantities import quantity_value
from homespun.data.recipe import number_words, split_name, whole


class Converter:
    """Applies recipes to text columns.

    Parameters
    ----------
    columns : TextColumns
    learned : bool, default True
        The recipes come from these very columns, and every value is known to fit.
    """

    def __init__(self, columns: TextColumns, *, learned: bool = True):
        self.of, self.learned = columns, learned
        self._plans: dict[str, list[tuple[str, str, str]]] = {}

    def apply(self, recipes: dict[str, dict], rows: str = "") -> dict[str, dict]:
        """For each column the typed ones (name → array) that its recipe makes.

        `rows`: an SQL clause that takes some of the rows; the recipes must then be the same in every call.
        """
        plans: list[tuple[str, str, str, str]] = []  # column, column made, SQL, how it ends
        for name, recipe in recipes.items():
            if name not in self._plans:  # the same for every piece of the rows
                self._plans[name] = self._plan(name, recipe)
            plans += [(name, *plan) for plan in self._plans[name]]
        made: dict[str, dict] = {name: {} for name in recipes}
        for begin in range(0, len(plans), 16):
            some = plans[begin : begin + 16]
            listed = ", ".join(f"{expression} AS x{i}" for i, (_, _, expression, _) in enumerate(some))
            frame = self.of.query(f"SELECT {listed} FROM {self.of.table} {rows}").df()
            for i, (name, new, _, end) in enumerate(some):
                made[name][new] = self._ended(name, recipes[name], frame[f"x{i}"], end)
        return made

    def _ended(self, name: str, recipe: dict, column, end: str):
        if end == "text":
            return column
        if end == "moment":
            return column.to_numpy().astype("datetime64[us]")
        if end == "date":
            days = parse_dates(column, recipe["format"]).to_numpy().astype("datetime64[us]")
            if not self.learned:
                self._refuse_rows(
                    name,
                    np.flatnonzero(np.isnat(days) & column.notna().to_numpy()),
                    column,
                    f"a date such as {recipe['format']!r}",
                )
            return days
        numbers = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return whole(numbers) if end == "whole" else numbers

    def _plan(self, name: str, recipe: dict) -> list[tuple[str, str, str]]:
        """(column made, SQL, how it ends) for one column."""
        kind = recipe["kind"]
        if kind == "empty":
            return [(name, "CAST(NULL AS DOUBLE)", "float")]
        text = self.of.text(name)
        missing = set(recipe.get("missing", ())) | set(recipe.get("words", ()))
        if not self.learned and not recipe.get("missing_only"):
            missing |= self.of.missing(name, text)[0] - set(recipe.get("kept", ()))
        gone = self.of.in_words(text, missing)
        present = f"CASE WHEN {gone} THEN NULL ELSE {text} END" if missing - {""} else f"nullif({text}, '')"
        if kind == "text":
            return [(name, present, "text")]
        if kind == "date":
            return [self._date_plan(name, recipe, present, gone)]
        if kind == "flag":
            return [(name, self._flag_sql(name, recipe, text, gone), "whole")]
        filled, plain, _ = self.of.counts.get(name, (0, -1, False))
        if self.learned and plain == filled and not recipe.get("missing_only"):
            column = self.of.columns[name]
            return [
                (
                    name,
                    f"CAST({column} AS DOUBLE)" if filled == self.of.rows else f"CAST(nullif({column}, '') AS DOUBLE)",
                    "whole",
                )
            ]
        if self.learned and name in self.of.plain:
            return [(name, f"CAST({present} AS DOUBLE)", "whole")]
        return self._number_plan(name, recipe, present, gone)

    def _date_plan(self, name: str, recipe: dict, present: str, gone: str) -> tuple[str, str, str]:
        """By DuckDB's strptime where it agrees with `parse_dates` on every distinct text, else by `parse_dates`."""
        form = engine.text(recipe["format"])
        if "%z" in form:
            return name, present, "date"
        values = self.of.query(
            f"SELECT DISTINCT t, try_strptime(t, {form}) AS moment FROM (SELECT {present} AS t FROM {self.of.table}) "
            "WHERE t IS NOT NULL LIMIT 200001"
        ).df()
        if len(values) > 200_000:
            return name, present, "date"
        ours = parse_dates(values["t"], recipe["format"]).to_numpy().astype("datetime64[us]")
        theirs = values["moment"].to_numpy().astype("datetime64[us]")
        same = len(values) and not np.isnat(ours).any() and (ours == theirs).all()
        return (name, f"try_strptime({present}, {form})", "moment") if same else (name, present, "date")

    def _flag_sql(self, name, recipe, text, gone) -> str:
        cases = []
        for value, _ in self.of.values(name, gone, 1000):
            number = flag_value(value, recipe)
            if number is None:
                self._refuse_value(name, value, f"{recipe['on']!r} or {recipe['off']!r}")
            elif number == number:
                cases.append(f"WHEN {engine.text(value)} THEN {number}")
        return f"CAST(CASE {text} {' '.join(cases)} END AS DOUBLE)" if cases else "CAST(NULL AS DOUBLE)"

    def _number_plan(self, name, recipe, present, gone) -> list[tuple[str, str, str]]:
        shapes = self.of.known_shapes.get(name) or self.of.shapes(name, gone)
        if shapes is None:  # more shapes than any column of numbers has: text by text
            examples = [value for value, _ in self.of.values(name, gone)]
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
        found = self.of.query(f"SELECT {value}, {followed} FROM (VALUES {listed}) AS examples(i, t) ORDER BY i").fetchall()
        return all(
            number == mine and bool(flag) == bool(follows) for (mine, flag), (number, follows) in zip(found, read)
        )

    def _refuse_value(self, name: str, value: str, wanted: str) -> None:
        row, count = self.of.query(
            f"SELECT min(rowid) + 1, count(*) FROM {self.of.table} WHERE {self.of.text(name)} = {engine.text(value)}"
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
