"""The text columns of a table with many rows: by its sample where that is enough (`sampled`), by all rows where not (`infer`)."""

from __future__ import annotations

from collections.abc import Iterator

from homespun.data import passes, sampled
from homespun.data.convert import Converter
from homespun.data.infer import TextColumns
from homespun.data.loaded import Loaded
from homespun.data.recipe import Settings
from homespun.data.table import Decision


class TextPart:
    """Learns and converts the text columns.

    Parameters
    ----------
    loaded : Loaded
    wanted : dict
        Column → kind that the user asked for.
    settings : Settings
    piecewise : bool, default False
        The columns are wanted piece by piece (`pieces`), not at once (`apply`).
    known : collection of str
        Columns whose recipes come from elsewhere: they need not be learned.
    """

    def __init__(self, loaded: Loaded, wanted: dict[str, str], settings: Settings, *, piecewise: bool = False, known=()):
        self.loaded, self.wanted, self.settings, self.known = loaded, wanted, settings, list(known)
        names = [name for name in loaded.columns if name not in loaded.typed]
        self.by_sample: sampled.Sampled | None = None
        self.made: dict[str, dict] = {}
        self.late: set[str] = set()
        left = names
        if loaded.unchecked is not None and (loaded.rows < sampled.LARGE or not names or self.known):
            loaded.settle()
        if loaded.rows >= sampled.LARGE and names and not self.known:
            self.by_sample = sampled.Sampled(loaded, wanted, settings)
            if piecewise:
                self.late = passes.check(self.by_sample)
            else:
                self.made, marked = passes.convert(self.by_sample)
                self.late = set(marked)
            loaded.settle()  # where no pass was needed
            left = self.by_sample.left + [name for name in self.by_sample.plans if name in self.late]
        table, columns = loaded.stored(left, "stored")
        self.in_full = TextColumns(loaded.connection, columns, loaded.rows, settings, loaded.name, table)

    def learn(self, name: str, kind: str | None = None, settings: Settings | None = None) -> tuple[dict, list[Decision]]:
        """The recipe of a column, and why; `kind` and `settings` replace those of the beginning."""
        if name not in self.in_full.columns:
            assert self.by_sample is not None
            return self.by_sample.plans[name].recipe, self.by_sample.decisions(name)
        self.in_full.settings = settings or self.settings
        recipe, why = self.in_full.learn(name, kind or self.wanted.get(name))
        return recipe, why + ([self._first_late(name)] if name in self.late else [])

    def _first_late(self, name: str) -> Decision:
        """The first row that the sample did not foresee, with its line."""
        assert self.by_sample is not None
        column = self.in_full.columns[name]
        marks = sampled.on_column(" OR ".join(part.not_foreseen() for part in self.by_sample.plans[name].parts), column)
        row, value = self.in_full.query(
            f"SELECT rowid + 1, {column} FROM {self.in_full.table} WHERE {marks} ORDER BY rowid LIMIT 1"
        ).fetchone()
        line = self.loaded.line_of(row) if self.loaded.line_of is not None else None
        where = f"row {row:,}" + (f" (line {line:,})" if line else "")
        return Decision(
            name,
            "late value",
            value,
            f"{where} is unlike the first {self.by_sample.rows:,} rows: all rows of the column were looked at",
        )

    def apply(self, recipes: dict[str, dict]) -> dict[str, dict]:
        """Column → what it becomes: name → array."""
        done = {name: made for name, made in self.made.items() if name not in self.in_full.columns}
        return done | Converter(self.in_full).apply({name: recipes[name] for name in self.in_full.columns})

    def pieces(self, recipes: dict[str, dict], rows: int) -> Iterator[dict[str, dict]]:
        """The same, for so many rows at a time."""
        rest = Converter(self.in_full, learned=not self.known)
        wanted = {name: recipes[name] for name in self.in_full.columns if name in recipes}
        first: Iterator[dict[str, dict]] = iter(())
        if self.by_sample is not None:
            for name in self.late:
                del self.by_sample.plans[name]
            if self.by_sample.plans:
                first = passes.pieces(self.by_sample, rows)
        for begin in range(0, self.loaded.rows, rows):
            clause = f"WHERE rowid >= {begin} AND rowid < {begin + rows}"
            yield next(first, {}) | (rest.apply(wanted, clause) if wanted else {})


def known_texts(loaded: Loaded, recipes: dict[str, dict]) -> dict[str, dict]:
    """Text columns by the recipes of an earlier table; what does not fit is refused with its row."""
    table, columns = loaded.stored(recipes, "stored")
    texts = TextColumns(loaded.connection, columns, loaded.rows, Settings(), loaded.name, table)
    return Converter(texts, learned=False).apply(recipes)
