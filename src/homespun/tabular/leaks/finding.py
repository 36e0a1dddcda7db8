"""What a leak finding says, and from what on it is said."""

from __future__ import annotations

from dataclasses import dataclass

from homespun.tabular.alone import Target

ALL_BUT_PERFECT = 0.99  # power of one column for an amount: R² of ranks
ALL_BUT_PERFECT_CLASS = 0.90  # for a class: Brier skill; an AUC of about 0.99
FEWEST = 50  # rows below which nothing is said
NOT_KNOWN = "will it be known when the prediction is made? If not, drop the column"


@dataclass(frozen=True)
class Leak:
    """One suspicion.

    Attributes
    ----------
    kind : str
        Of the list at the head of `homespun.tabular.leaks.find`.
    columns : tuple of str
        The columns at fault; empty where the rows are.
    evidence : str
        What was seen, with numbers.
    advice : str
        What to do about it.
    certain : bool
        Whether the evidence is exact (equal values, not a high score).
    """

    kind: str
    columns: tuple[str, ...]
    evidence: str
    advice: str
    certain: bool = False

    def __str__(self):
        names = " and ".join(map(repr, self.columns))
        return f"possible leak ({self.kind}){': ' if names else ''}{names}: {self.evidence}; {self.advice}"


def enough_for(goal: Target) -> float:
    """The power from which on a column alone is suspect."""
    return ALL_BUT_PERFECT if goal.task == "regression" else ALL_BUT_PERFECT_CLASS


def measure_of(goal: Target) -> str:
    """What power is called in a sentence."""
    return "R² of ranks" if goal.task == "regression" else "skill"
