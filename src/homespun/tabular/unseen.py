"""What the training data did not have: words of fresh rows, and gaps; and what the model takes them for.

    Unseen(project).of(features)  ->  [Note(column, rows, sentence), …]          features: name → values, as the model gets them

The levels are those of the fitted pipeline (`RareLevelEncoder`), so the note says what is done. Gaps are told where the training
data had fewer than `ENOUGH` of them in that column: then nothing was learned of what a gap means. Cost: a look into a set for
each word. Not handled: models without such a step (a baseline, a file of an earlier version) have no notes of words.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from homespun.tabular.preparation import ENOUGH


@dataclass(frozen=True)
class Note:
    """One thing that the training data did not have.

    Attributes
    ----------
    column : str
    rows : array of int
        Those that have it.
    sentence : str
        What the model takes it for.
    word : str or None
        The first of the words; None for gaps.
    """

    column: str
    rows: np.ndarray
    sentence: str
    word: str | None = None


class Unseen:
    """The levels of a project, and its columns without gaps.

    Parameters
    ----------
    project : Project
    """

    def __init__(self, project):
        self.words, self.numbers = {}, []
        levels = _levels_of(project.model)
        if levels is not None:
            for j, name in enumerate(levels.feature_names_in_):
                known = {value for value in levels.categories_[j].tolist() if value is not None and value == value}
                other, missing = levels.other_[j], levels.missing_[j]
                taken = "a rare one" if other == levels.rare_level and other not in known else f"the most frequent one, {other!r}"
                gap = "a usual one" if missing is None else f"the most frequent one, {missing!r}"
                self.words[str(name)] = (known, taken, gap if _hardly(project.reference_.get(name)) else None)
        for role in ("numbers", "dates"):
            self.numbers += [name for name in project.roles_[role] if _hardly(project.reference_.get(name))]

    def of(self, features) -> list[Note]:
        """The notes of some rows, column by column."""
        found = []
        for name, (known, taken, gap) in self.words.items():
            values = features[name].tolist()
            new = [i for i, value in enumerate(values) if value not in known]
            if not new:
                continue
            gaps = [i for i in new if values[i] is None or values[i] != values[i]]
            words = sorted(set(new) - set(gaps))
            if words:
                said = f"is not among the training data's words: the model takes it for {taken}"
                found.append(Note(name, np.array(words), said, str(values[words[0]])))
            if gaps and gap is not None:
                found.append(Note(name, np.array(gaps), f"{_GAP}: the model takes it for {gap}"))
        for name in self.numbers:
            gone = np.isnan(np.asarray(features[name], dtype=np.float64))
            if gone.any():
                found.append(Note(name, np.flatnonzero(gone), f"{_GAP}: the model takes it for a usual one"))
        return found

    def told(self, features) -> list[str]:
        """One sentence for each column and kind."""
        said, n = [], len(next(iter(features.values()))) if isinstance(features, dict) else len(features)
        for note in self.of(features):
            if note.word is None:
                said.append(f"column {note.column!r} in {len(note.rows):,} of {n:,} rows {note.sentence}")
            else:
                words = dict.fromkeys(np.asarray(features[note.column], dtype=object)[note.rows].tolist())
                shown = ", ".join(map(repr, list(words)[:3]))
                taken = note.sentence.partition(": the model takes it for ")[2]
                said.append(f"column {note.column!r} has words in {len(note.rows):,} of {n:,} rows that the training data did "
                            f"not have, such as {shown}: the model takes them for {taken}")
        return said


_GAP = "is missing, as it hardly ever was in the training data"


def _hardly(before) -> bool:
    """Whether the training rows had next to no gaps in a column."""
    return before is not None and before["missing"] * before["rows"] < ENOUGH - 0.5


def _levels_of(model):
    """The fitted `RareLevelEncoder` of a pipeline, or of a blend's: rather one that fills gaps."""
    found = []
    for pipeline in getattr(model, "estimators_", None) or [model]:
        steps = getattr(pipeline, "named_steps", {})
        parts = getattr(steps.get("prepare"), "named_transformers_", {})
        levels = getattr(parts.get("categories"), "named_steps", {}).get("levels")
        if levels is not None:
            found.append(levels)
    return next((one for one in found if one.handle_missing == "frequent"), found[0] if found else None)
