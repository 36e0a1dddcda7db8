"""The table at the end of a drop-in run: what was replaced, how often it was used, and what became faster."""

from __future__ import annotations

import os

from homespun.drop_in.busy import WORTH_SAYING
from homespun.drop_in.record import Tally


def table(tallies: list[Tally], *, compare: bool, others: float | None = None) -> str:
    """The table as text, one line a class, the most time saved first. `others`: cores that other programs took meanwhile.

    >>> print(table([Tally("linear_model.Ridge", 2, 1, ours=0.1, theirs=0.4, difference=0.0)], compare=True))
    homespun.drop_in: ours in the place of 1 scikit-learn class
      class               fits  predictions  ours (s)  kernels (s)  scikit-learn (s)  faster  score difference
      linear_model.Ridge     2            1     0.100        0.000             0.400   4.00×           +0.0000
      kernels: loaded or compiled on first use, apart from the rest
    """
    used = sorted((tally for tally in tallies if tally.fits or tally.answers), key=lambda tally: tally.ours - tally.theirs)
    if not used:
        idle = f" ({', '.join(tally.name for tally in tallies)} imported, not used)" if tallies else ""
        return f"homespun.drop_in: no scikit-learn class was replaced{idle}"
    heads = ["class", "fits", "predictions", "ours (s)", "kernels (s)"]
    heads += ["scikit-learn (s)", "faster", "score difference"] if compare else []
    rows = [heads]
    for tally in used:
        row = [tally.name, str(tally.fits), str(tally.answers), f"{tally.ours + tally.alone:.3f}", f"{tally.kernels:.3f}"]
        if compare:
            known = tally.theirs > 0
            row += [
                f"{tally.theirs:.3f}" if known else "–",
                f"{tally.theirs / tally.ours:.2f}×" if known and tally.ours else "–",
                "–" if tally.difference is None else f"{tally.difference:+.4f}",
            ]
        rows.append(row)
    widths = [max(len(row[column]) for row in rows) for column in range(len(heads))]
    lines = [
        "  " + "  ".join([row[0].ljust(widths[0])] + [cell.rjust(width) for cell, width in zip(row[1:], widths[1:])])
        for row in rows
    ]
    count = f"{len(used)} scikit-learn class{'es' if len(used) > 1 else ''}"
    lines.insert(0, f"homespun.drop_in: ours in the place of {count}")
    lines += [
        f"  {tally.name}: {tally.alone:.3f} s of ours had no twin to compare with"
        + _why(tally)
        for tally in used
        if compare and (tally.alone or tally.trouble)
    ]
    if not compare and any(tally.elsewhere for tally in used):
        lines.append("  calls in other processes are counted, each with its own seconds")
    lines.append("  kernels: loaded or compiled on first use, apart from the rest")
    if compare and others is not None and others >= WORTH_SAYING:
        lines.append(f"  other programs took {others:.1f} of {os.cpu_count()} cores meanwhile: both sides waited for them, "
                     "and not alike; an idle machine gives other ratios")
    return "\n".join(line.rstrip() for line in lines)


def _why(tally: Tally) -> str:
    calls = f"{tally.elsewhere} call{'s' if tally.elsewhere > 1 else ''} in other processes" if tally.elsewhere else None
    reasons = [reason for reason in (calls, tally.trouble) if reason]
    return f" ({'; '.join(reasons)})" if reasons else ""
