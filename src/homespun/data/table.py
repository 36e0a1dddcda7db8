"""`Table`: typed columns, the decisions that made them, and the recipes that repeat those decisions on fresh data."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

WORTH_A_LOOK = frozenset(
    {
        "long rows",
        "short rows",
        "repaired rows",
        "several tables",
        "repeated header",
        "footer",
        "null bytes",
        "files differ",
        "unreadable",
        "unaligned lines",
        "lines of text",
        "currency on some only",
        "duplicate rows",
        "renamed",
    }
)


@dataclass(frozen=True)
class Decision:
    """One thing that was understood (or assumed) about the data.

    Attributes
    ----------
    column : str or None
        The column; None if it is about the whole table.
    kind : str
        What was decided: "number", "unit", "flag", "date", "missing", "encoding", …
    value : object
        The outcome: "km", ["-"], "%d.%m.%Y", …
    evidence : str
        Why, with numbers.
    """

    column: str | None
    kind: str
    value: Any
    evidence: str

    def __str__(self):
        place = f"{self.column}: " if self.column is not None else ""
        return f"{place}{self.kind} {self.value!r} ({self.evidence})"


@dataclass
class Table:
    """What `homespun.data.read` returns.

    Attributes
    ----------
    frame : pandas.DataFrame
        Numbers are int64 or float64 (NaN: missing), dates datetime64, everything else text (None or NaN: missing).
    decisions : list of Decision
    recipes : dict
        Column → how its raw values become typed ones. Plain data: a model file keeps it (`homespun.data.reread`).
    raw_head : dict
        Column → its first five values as the source has them.
    facts : dict
        What the source is: format, encoding, delimiter, …
    """

    frame: Any
    decisions: list[Decision] = field(default_factory=list)
    recipes: dict[str, dict] = field(default_factory=dict)
    raw_head: dict[str, list] = field(default_factory=dict, repr=False)
    facts: dict[str, Any] = field(default_factory=dict, repr=False)

    def __len__(self):
        return len(self.frame)

    @property
    def warnings(self) -> list[Decision]:
        """The decisions that somebody should look at: rows that did not fit, columns that nearly were something else."""
        return [
            decision
            for decision in self.decisions
            if decision.kind in WORTH_A_LOOK
            or decision.value in ("ambiguous date", "mixed units", "mixed currencies", "mixed decimal signs")
        ]

    def to_polars(self):
        """The same columns as a polars DataFrame."""
        import polars

        columns: dict[str, Any] = {}
        for name in self.frame.columns:
            column = self.frame[name]
            if column.dtype.kind in "ifbM":
                series = polars.Series(str(name), column.to_numpy())
                columns[str(name)] = series.fill_nan(None) if column.dtype.kind == "f" else series
            else:
                columns[str(name)] = [None if value != value or value is None else str(value) for value in column]
        return polars.DataFrame(columns)

    def __repr__(self):
        return f"Table({len(self.frame):,} rows, {self.frame.shape[1]} columns, {len(self.decisions)} decisions)"
