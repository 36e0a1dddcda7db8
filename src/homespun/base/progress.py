"""Progress with time left, for anything that can take more than two seconds.

tqdm draws it: a bar in a terminal, a widget in a notebook, and in a log file one line now and then. It appears only
after two seconds, so quick work stays silent. ``HOMESPUN_PROGRESS=0`` switches it off.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable


def progress(steps: Iterable | None = None, *, total: int | None = None, label: str = "", delay: float = 2.0,
             show: bool | None = None):
    """Iterate over `steps` with a progress bar, or (without `steps`) return a bar with ``update(n)`` and ``close()``.

    Parameters
    ----------
    steps : iterable, optional
    total : int, optional
        Number of steps, where `steps` does not know its length.
    label : str
        What is being done, in front of the bar.
    delay : float
        Seconds of silence before the bar appears.
    show : bool, optional
        False: silent. Default: shown unless ``HOMESPUN_PROGRESS=0``.

    >>> [step for step in progress(range(3), label="fit")]
    [0, 1, 2]
    """
    from tqdm.auto import tqdm

    if show is None:
        show = os.environ.get("HOMESPUN_PROGRESS", "1") != "0"
    in_terminal = sys.stderr is not None and sys.stderr.isatty()
    return tqdm(
        steps,
        total=total,
        desc=label or None,
        delay=delay,
        disable=not show,
        leave=False if in_terminal else None,
        mininterval=0.1 if in_terminal else 10.0,  # a log gets a line every ten seconds, not a thousand
        dynamic_ncols=in_terminal,
    )
