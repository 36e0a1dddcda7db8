"""Our k-NN against the prototype that it was written after: 50,000 x 64, 5,000 queries, k = 10, float32, two threads.

    python -m benchmarks.prototype_knn [FOLDER]     FOLDER of knn.py and nbx.py, default ../shared/prototypes/classic

Both sides take turns in one process; medians; the ratio is the prototype's time by ours, 1 or more: nothing was lost by
readable code. The prototype computes in float32 alone, ours is exact.
"""

from __future__ import annotations

import os
import statistics
import sys
import time
from pathlib import Path

ROUNDS = 9
HOME = Path(__file__).resolve().parent.parent.parent / "shared" / "prototypes" / "classic"


def main(folder: str | None = None) -> int:
    place = Path(folder) if folder else HOME
    if not (place / "knn.py").is_file():
        print(f"no prototype in {str(place)!r}: name the folder of knn.py", file=sys.stderr)
        return 1
    os.environ.setdefault("NUMBA_NUM_THREADS", "2")
    sys.path.insert(0, str(place))
    import knn  # the prototype
    import numpy as np

    from homespun.neighbors import NearestNeighbors

    rng = np.random.default_rng(0)
    X, Q = rng.standard_normal((50_000, 64), dtype=np.float32), rng.standard_normal((5_000, 64), dtype=np.float32)
    theirs, ours = knn.BruteKNN().fit(X), NearestNeighbors(n_neighbors=10).fit(X)
    sides = {"prototype": lambda: theirs.kneighbors(Q, 10), "homespun": lambda: ours.kneighbors(Q)}
    answers = {name: side() for name, side in sides.items()}  # compiles, packs
    seconds: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(ROUNDS):
        for name, side in sides.items():
            start = time.perf_counter()
            side()
            seconds[name].append(time.perf_counter() - start)
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    same = float((answers["prototype"][1] == answers["homespun"][1]).mean())
    print(f"prototype {medians['prototype'] * 1e3:.1f} ms, homespun {medians['homespun'] * 1e3:.1f} ms, "
          f"ratio {medians['prototype'] / medians['homespun']:.2f}; same neighbours {same:.4%}")
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
