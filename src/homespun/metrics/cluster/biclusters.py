"""Agreement of two sets of biclusters.       a = (rows_a, columns_a): indicators (biclusters, n), (biclusters, d); b the same

    likeness of two biclusters   |a and b| / |a or b|  in cells      score: the best matching's sum / the larger number of them

Hochreiter et al. 2010, Bioinformatics 26(12). Matching: the Hungarian algorithm.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import ShapeError
from homespun.metrics.checks import one_of


def consensus_score(a, b, *, similarity="jaccard"):
    """Likeness of two sets of biclusters, 0 … 1. `similarity`: "jaccard", or a function of (rows, columns, rows, columns).

    >>> a = ([[True, False], [False, True]], [[False, True], [True, False]])
    >>> consensus_score(a, a)
    1.0
    """
    from scipy.optimize import linear_sum_assignment

    if not callable(similarity):
        one_of("consensus_score", "similarity", similarity, ("jaccard",))
    (rows_a, columns_a), (rows_b, columns_b) = (tuple(np.asarray(part) for part in side) for side in (a, b))
    for name, rows, columns in (("a", rows_a, columns_a), ("b", rows_b, columns_b)):
        if len(rows) != len(columns):
            raise ShapeError(f"consensus_score: {name} has {len(rows)} sets of rows and {len(columns)} of columns",
                             operation="consensus_score", operands={name: (len(rows), len(columns))}, rule="as many of both")
    if callable(similarity):
        likeness = np.array([[similarity(*one, *other) for other in zip(rows_b, columns_b)] for one in zip(rows_a, columns_a)])
    else:
        rows_a, columns_a, rows_b, columns_b = (part.astype(np.float64) for part in (rows_a, columns_a, rows_b, columns_b))
        both = (rows_a @ rows_b.T) * (columns_a @ columns_b.T)
        size_a, size_b = rows_a.sum(1) * columns_a.sum(1), rows_b.sum(1) * columns_b.sum(1)
        likeness = both / (size_a[:, None] + size_b - both)
    one, other = linear_sum_assignment(1.0 - likeness)
    return float(likeness[one, other].sum() / max(len(rows_a), len(rows_b)))
