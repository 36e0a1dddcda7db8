"""What the user sees while `fit` works: the model in hand, and the time left of the budget, or the folds left."""

from __future__ import annotations

from homespun.base.progress import progress


class Waiting:
    """A bar that counts seconds of the budget, or folds where there is none."""

    def __init__(self, clock, folds: int):
        self.clock = clock
        self._bar = progress(total=folds if clock.budget is None else round(clock.budget), label="fit")
        self._closed = False

    def step(self, label: str) -> None:
        """A fold of `label` is done."""
        self._bar.set_description(label, refresh=False)
        if self.clock.budget is None:
            if self._bar.n >= self._bar.total:
                self._bar.total = self._bar.n + 1  # tuning: nobody knows how many there will be
            self._bar.update(1)
        else:
            self._bar.update(max(0, min(round(self.clock.seconds), self._bar.total) - self._bar.n))

    def say(self, label: str) -> None:
        """Another stage begins."""
        self._bar.set_description(label, refresh=False)

    def close(self) -> None:
        """The bar goes."""
        if not self._closed:
            self._closed = True
            self._bar.close()
