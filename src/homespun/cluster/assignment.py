"""The nearest centre of every row, and the sums of the rows of each centre: one step of Lloyd's algorithm.

    label_i = argmin_c |x_i - c|^2 = argmin_c  |c|^2 - 2 x_i . c        X: (n, d)   C: (k, d)
    mass_c = sum of the weights s_i of label c        sums_c = sum of s_i x_i

Dense X: the products run on register tiles in float32, centres down, rows across, so that the least of a column is found
without leaving the registers. A float32 score is wrong by at most e (|c|^2 + 2 |x| |c|), where e bounds the rounding of a dot
product of length d (Higham 2002, Accuracy and Stability, eq. 3.5). Where the two least scores of a row are further apart than
twice that, the label is proved; the other rows, few as a rule, get theirs from the definition in float64. So labels are those
of the definition, of equally near centres the first.

Most rows need no score at all (Hamerly 2010, SIAM SDM, sect. 3): with an upper bound of the distance to the own centre and a
lower one of that to any other, both widened by how far the centres have moved, a row whose bounds do not cross keeps its
label. Where less than half of a tile's rows are in doubt, they are gathered with others into a tile of their own.

Sums are not made anew: a row whose label changed moves from one sum to the other, and from the second step on few do.
Blocks of rows own their sums, and what they are depends on n, k and d alone: the result is the same on any number of threads.
O(n k d) a step; memory: a float32 copy of X, and k d numbers a block.
Sparse X: float64 throughout, by the entries that are stored.
"""

from __future__ import annotations

import numpy as np
from scipy import sparse

from homespun.kernels import kernel, oracle, over_blocks, simd
from homespun.kernels.csr import csr_parts
from homespun.kernels.distances import PACK_BLOCK, pack_panels

ROWS, COLUMNS = simd.ROWS, simd.COLUMNS32
MOST_BLOCKS = 64
LEAST_ROWS = 1024  # of a block
ROUNDING = 2.0**-24  # of float32
SAFE = 1.0 + 8 * ROUNDING  # a bound that was rounded is one again when it is multiplied by this


class Assigner:
    """Labels of the rows of one X for centres that change from call to call.

    Parameters
    ----------
    X : C-contiguous ndarray of float32 or float64, or CSR matrix, of shape (n, d)
    weights : ndarray of shape (n,), float64

    Attributes
    ----------
    labels : ndarray of shape (n,), int32
        Of the last `step`; -1 before the first.
    centre : ndarray of shape (d,)
        What sums are relative to: the mean of some rows of a dense X, zero for a sparse one.
    """

    sums: np.ndarray         # (B, k, d) of the blocks; empty before the first step
    last: np.ndarray | None  # centres of the last step, relative to `centre`

    def __init__(self, X, weights):
        self.X, self.weights = X, weights
        n, d = X.shape
        self.labels = np.full(n, -1, np.int32)
        self.forget()
        if sparse.issparse(X):
            self.entries = csr_parts(X)
            self.centre = np.zeros(d)
            return
        self.centre = X[:: max(1, n // 4096)].mean(axis=0, dtype=np.float64)  # any point amid the rows will do
        panels = -(-n // COLUMNS)
        self.panels, self.squares = np.empty(panels * COLUMNS * d, np.float32), np.empty(panels * COLUMNS, np.float32)
        self.scale = 1.0
        self._pack()
        largest = self.squares[:n].max()
        if not 1e-20 < largest < 1e20:  # float32 would lose small or large ones
            spread = max(np.abs(ends - self.centre).max(initial=0.0) for ends in (X.min(axis=0), X.max(axis=0)))
            self.scale = 1.0 / spread if 1e-300 < spread < np.inf else 1.0
            self._pack()

    def _pack(self):
        blocks = -(-len(self.squares) // (PACK_BLOCK * COLUMNS))
        with np.errstate(over="ignore"):  # seen by the caller
            over_blocks(pack_panels, blocks, self.X, self.centre, self.scale, 1.0, self.panels, self.squares)
        self.squares[len(self.labels):] = 0.0

    def step(self, centres):
        """Label every row by its nearest centre.

        Parameters
        ----------
        centres : ndarray of shape (k, d), float64

        Returns
        -------
        changed : int
            Rows whose label is another one than after the last step.
        """
        k, d = centres.shape
        if not len(self.sums):
            entries = self.X.nnz if sparse.issparse(self.X) else self.X.size
            blocks = max(1, min(MOST_BLOCKS, len(self.labels) // LEAST_ROWS, entries // (4 * k * d)))
            self.sums, self.mass, self.changed = np.zeros((blocks, k, d)), np.zeros((blocks, k)), np.zeros(blocks, np.int64)
            self.space = (np.zeros((blocks, d * COLUMNS), np.float32), np.zeros((blocks, 3, COLUMNS), np.float32),
                          np.empty((blocks, COLUMNS), np.int32), np.empty((blocks, 2, COLUMNS), np.int64))
        if sparse.issparse(self.X):
            half = -0.5 * (centres**2).sum(axis=1)
            over_blocks(assign_entries, len(self.sums), *self.entries, self.weights, np.ascontiguousarray(centres.T), half,
                        self.labels, self.sums, self.mass, self.changed)
            return int(self.changed.sum())
        moved = centres - self.centre
        came = np.zeros(k) if self.last is None else SAFE**2 * self.scale * np.sqrt(((moved - self.last) ** 2).sum(axis=1))
        self.last = moved
        with np.errstate(over="ignore"):  # infinite scores prove nothing: such labels come from the definition
            small = (self.scale * moved).astype(np.float32)
            squares = (small.astype(np.float64) ** 2).sum(axis=1).astype(np.float32)
            came = came.astype(np.float32)
        groups = -(-k // ROWS)
        left, plus = np.zeros((groups * ROWS, d), np.float32), np.full(groups * ROWS, np.inf, np.float32)
        left[:k] = -2.0 * small
        plus[:k] = squares
        left = np.ascontiguousarray(left.reshape(groups, ROWS, d).transpose(0, 2, 1)).ravel()
        with np.errstate(over="ignore", invalid="ignore"):  # the same, where kernels run as plain Python
            over_blocks(assign_panels, len(self.sums), self.X, self.weights, self.centre, self.scale, self.panels, self.squares,
                        left, plus, moved, came, self.upper, self.lower, self.labels, self.sums, self.mass, self.changed,
                        *self.space)
        return int(self.changed.sum())

    def forget(self):
        """As if there had been no step."""
        self.labels[:] = -1
        self.upper, self.lower = np.full(len(self.labels), np.inf, np.float32), np.zeros(len(self.labels), np.float32)
        self.sums = np.empty((0, 0, 0))
        self.last = None

    def totals(self):
        """Weights of the clusters (k,), and their weighted sums (k, d) relative to `centre`."""
        return self.mass.sum(axis=0), self.sums.sum(axis=0)

    def mean_variance(self):
        """Mean over the features of their weighted variance; after a step."""
        mass, sums = self.totals()
        mean = sums.sum(axis=0) / mass.sum()  # relative to `centre`
        if sparse.issparse(self.X):
            squares = self.weights @ self.X.multiply(self.X) / mass.sum()
            return float((squares - mean**2).clip(0).mean())
        square = float(self.weights @ self.squares[: len(self.weights)]) / self.scale**2 / mass.sum()
        return max(0.0, square - float(mean @ mean)) / len(mean)

    def sum_up(self):
        """Make the sums anew: what rounding has left of rows that came and went is gone."""
        self.sums[:], self.mass[:] = 0.0, 0.0
        if sparse.issparse(self.X):
            n, k = len(self.labels), self.mass.shape[1]
            own = sparse.csr_matrix((self.weights, (self.labels, np.arange(n))), shape=(k, n))
            self.sums[0], self.mass[0] = (own @ self.X).toarray(), np.bincount(self.labels, self.weights, minlength=k)
        else:
            over_blocks(sum_rows, len(self.sums), self.X, self.labels, self.weights, self.centre, self.sums, self.mass)

    def row_distances(self, centres):
        """Squared distance of every row to the centre of its label: (n,)."""
        own = centres[self.labels]
        if sparse.issparse(self.X):
            X = self.X.astype(np.float64)
            return np.maximum(np.asarray((X.multiply(X) - 2 * X.multiply(own)).sum(axis=1)).ravel() + (own**2).sum(axis=1), 0.0)
        return ((self.X - own) ** 2).sum(axis=1)

    def inertia(self, centres):
        """Weighted sum of the squared distances of the rows to the centres (k, d) of their labels."""
        if sparse.issparse(self.X):
            return float(self.weights @ self.row_distances(centres))
        parts = np.empty(max(1, min(MOST_BLOCKS, len(self.labels) // LEAST_ROWS)))
        over_blocks(inertia_block, len(parts), self.X, self.labels, self.weights, np.ascontiguousarray(centres), parts)
        return float(parts.sum())


_PANELS = ("void(i8, {}[:, ::1], f8[::1], f8[::1], f8, f4[::1], f4[::1], f4[::1], f4[::1], f8[:, ::1], f4[::1], "
           "f4[::1], f4[::1], i4[::1], f8[:, :, ::1], f8[:, ::1], i8[::1], f4[:, ::1], f4[:, :, ::1], i4[:, ::1], i8[:, :, ::1])")


@kernel(_PANELS.format("f8"), _PANELS.format("f4"))
def assign_panels(block, X, weights, centre, scale, panels, squares, left, plus, centres, moves, upper, lower, labels, sums, mass,
                  changed, gathered_panels, scores, which, lists):
    """IN panels, squares: X packed, with |x|^2; left, plus: -2 C packed, with |c|^2; centres (k, d), which came by moves (k,).

    OUT upper, lower, labels (n,), and of this block sums (B, k, d), mass (B, k), changed (B,).
    Work space of the blocks (made here, it would take 0.2 s more to compile): gathered_panels (B, d COLUMNS),
    scores (B, 3, COLUMNS), which (B, COLUMNS), lists (B, 2, COLUMNS) of rows whose bounds do not prove their label.
    """
    n, d = X.shape
    B, k = mass.shape
    tiles = squares.size // COLUMNS
    reach = np.float32(0.0)  # the largest |c|
    first, far, next_far = np.int32(0), np.float32(0.0), np.float32(0.0)  # the centre that moved farthest; how far, and the next
    for c in range(k):
        size = np.sqrt(plus[c])
        reach = size if size > reach else reach
        if moves[c] > far:
            first, far, next_far = np.int32(c), moves[c], far
        elif moves[c] > next_far:
            next_far = moves[c]
    open_rows, waiting, panel = lists[block, 0], lists[block, 1], gathered_panels[block]
    gathered, count = 0, 0
    last = (block + 1) * tiles // B
    for t in range(block * tiles // B, last):
        start, m = t * COLUMNS, 0
        here = COLUMNS if start + COLUMNS < n else n - start
        own, up, low = labels[start : start + here], upper[start : start + here], lower[start : start + here]
        for j in range(here):
            up[j] = np.float32(SAFE) * (up[j] + moves[own[j] if own[j] > 0 else 0])
            low[j] -= next_far if own[j] == first else far
        for j in range(here):
            open_rows[m] = start + j
            m += not up[j] < low[j]  # or NaN
        if 2 * m >= COLUMNS or gathered + m > COLUMNS:
            count += settle(open_rows, m, start, panels, start * d, squares, X, weights, centre, left, plus, centres, reach,
                            upper, lower, labels, sums[block], mass[block], scores[block], which[block])
        else:
            for r in range(m):
                waiting[gathered] = open_rows[r]
                gathered += 1
        if gathered == COLUMNS or (gathered > 0 and t + 1 == last):
            for r in range(gathered):
                scores[block, 2, r] = squares[waiting[r]]
            for j in range(d):
                for r in range(gathered):
                    panel[j * COLUMNS + r] = scale * (X[waiting[r], j] - centre[j])
            count += settle(waiting, gathered, -1, panel, 0, scores[block, 2], X, weights, centre, left, plus, centres, reach,
                            upper, lower, labels, sums[block], mass[block], scores[block], which[block])
            gathered = 0
    changed[block] = count


@kernel()
def settle(rows, size, start, panels, at, squares, X, weights, centre, left, plus, centres, reach, upper, lower, labels, sums,
           mass, scores, which):
    """Give some rows of a panel their labels and bounds: row i stands in column i - start, or in order if that is negative.

    IN rows (size,), panels from `at` on, squares from `start` on.   Returns the number of labels that are new.
    """
    d = X.shape[1]
    least, second = scores[0], scores[1]  # scores |c|^2 - 2 x . c, then bounds
    for j in range(np.uint64(COLUMNS)):
        least[j] = second[j] = np.inf
        which[j] = 0
    for g in range(plus.size // ROWS):
        tile = simd.tile_dot(left, g * d * ROWS, panels, at, d)
        simd.tile_least_two(tile, plus, g * ROWS, g * ROWS, least, second, which)
    # Rounding of both operands, of the product and of the sum, once for each of the two scores.
    error, zero = np.float32((2 * d + 16) * ROUNDING), np.float32(0.0)
    first = np.uint64(start if start > 0 else 0)
    for j in range(np.uint64(COLUMNS)):
        square = squares[first + j]
        sizes = reach + np.sqrt(square)
        doubt = error * sizes * sizes
        low, high = least[j] + square + doubt, second[j] + square - doubt
        proved = second[j] - least[j] > doubt  # not so for NaN, of values that float32 does not hold
        least[j] = np.float32(SAFE) * np.sqrt(low if low > zero else zero) if proved else np.float32(np.inf)
        second[j] = np.sqrt(high if high > zero else zero)
    count = 0
    for r in range(size):
        i = rows[r]
        j = r if start < 0 else i - start
        upper[i], lower[i] = least[j], second[j]
        label = np.int64(which[j]) if least[j] < np.inf else nearest_of(X[i], centre, centres)
        if label != labels[i]:
            count += 1
            move(X[i], weights[i], centre, np.int64(labels[i]), label, sums, mass)
            labels[i] = label
    return count


@kernel()
def nearest_of(x, centre, centres):
    """The number of the nearest centre, by the definition."""
    best, label = np.inf, 0
    for c in range(centres.shape[0]):
        total = 0.0
        for j in range(x.size):
            gap = (x[j] - centre[j]) - centres[c, j]
            total += gap * gap
        if total < best:
            best, label = total, c
    return label


@kernel()
def move(x, weight, centre, old, new, sums, mass):  # OUT sums (k, d), mass (k,)
    """Take a row out of the sums of one cluster (-1: none) and into those of another."""
    mass[new] += weight
    for j in range(x.size):
        sums[new, j] += weight * (x[j] - centre[j])
    if old >= 0:
        mass[old] -= weight
        for j in range(x.size):
            sums[old, j] -= weight * (x[j] - centre[j])


_ENTRIES = ("void(i8, {0}[::1], {1}[::1], {1}[::1], f8[::1], f8[:, ::1], f8[::1], i4[::1], f8[:, :, ::1], f8[:, ::1], i8[::1])")


@kernel(*(_ENTRIES.format(value, index) for value in ("f8", "f4") for index in ("i4", "i8")))
def assign_entries(block, data, indices, indptr, weights, columns, half, labels, sums, mass, changed):
    """As `assign_panels` for a CSR matrix.   IN columns = C' (d, k), half = -|c|^2 / 2 (k,)."""
    n, (B, k) = labels.size, mass.shape
    scores = np.empty(k)
    count = 0
    for i in range(block * n // B, (block + 1) * n // B):
        scores[:] = half
        for entry in range(indptr[i], indptr[i + 1]):
            value, row = data[entry], columns[np.uint64(indices[entry])]  # unsigned: no test for negative ones
            for c in range(k):
                scores[c] += value * row[c]
        label = 0
        for c in range(1, k):
            if scores[c] > scores[label]:
                label = c
        old, weight = labels[i], weights[i]
        if label != old:
            count += 1
            labels[i] = label
            mass[block, label] += weight
            if old >= 0:
                mass[block, old] -= weight
            for entry in range(indptr[i], indptr[i + 1]):
                j, value = np.uint64(indices[entry]), weight * data[entry]
                sums[block, label, j] += value
                if old >= 0:
                    sums[block, old, j] -= value
    changed[block] = count


# ---------------------------------------------------------------------------------------------------------------------
# Sums that are made anew, and the inertia

@kernel("void(i8, f8[:, ::1], i4[::1], f8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1])",
        "void(i8, f4[:, ::1], i4[::1], f8[::1], f8[::1], f8[:, :, ::1], f8[:, ::1])")
def sum_rows(block, X, labels, weights, centre, sums, mass):  # OUT sums (B, k, d), mass (B, k): add the rows of this block
    n, B = X.shape[0], sums.shape[0]
    for i in range(block * n // B, (block + 1) * n // B):
        weight, own = weights[i], np.uint64(labels[i])
        mass[block, own] += weight
        for j in range(X.shape[1]):
            sums[block, own, j] += weight * (X[i, j] - centre[j])


@kernel("void(i8, f8[:, ::1], i4[::1], f8[::1], f8[:, ::1], f8[::1])",
        "void(i8, f4[:, ::1], i4[::1], f8[::1], f8[:, ::1], f8[::1])")
def inertia_block(block, X, labels, weights, centres, parts):  # OUT parts (B,): weighted squared distances to the own centre
    n, d = X.shape
    B = parts.size
    total = 0.0
    for i in range(block * n // B, (block + 1) * n // B):
        x, own = X[i], centres[np.int64(labels[i])]
        square = 0.0
        for j in range(d):
            gap = x[j] - own[j]
            square += gap * gap
        total += weights[i] * square
    parts[block] = total


def two_steps(X, weights, first, second):
    """Labels, weights of clusters, sums and inertia after two steps, and the sums made anew: compared with the definition."""
    assigner = Assigner(X, weights)
    assigner.step(first)
    assigner.step(second)
    mass, sums = assigner.totals()
    sums = sums + mass[:, None] * assigner.centre
    assigner.sum_up()
    fresh = assigner.totals()[1] + mass[:, None] * assigner.centre
    return assigner.labels.astype(np.int64), mass, sums, fresh, np.array([assigner.inertia(second)])


def _example(n, d, k, make=np.ascontiguousarray):
    def example(rng):
        half = rng.integers(-3, 4, (n // 2, d)).astype(np.float64)
        X = np.vstack([half, -half])  # small whole numbers with mean 0: equal distances are exactly equal, and happen
        return make(X), rng.integers(0, 3, n).astype(np.float64), X[:k] + 0.5, X[n - k :] - 0.5

    return example


def _clouds(rng):
    """Most rows keep their label, which their bounds prove; those of one cloud are divided by the second step."""
    first = rng.normal(size=(7, 6)) * 9
    X = first[rng.integers(0, 7, 1000)] + rng.normal(size=(1000, 6))
    return X, rng.random(1000), first, np.vstack([first[:-1] + rng.normal(size=(6, 6)) / 9, first[:1] + 0.5])


def _wide(X):
    X = sparse.csr_matrix(X)
    X.indptr = X.indptr.astype(np.int64)
    return X


@oracle(two_steps, rtol=1e-9, atol=1e-9, kernels=(
    assign_panels, settle, assign_entries, nearest_of, move, sum_rows, inertia_block), example=(
    _example(2 * LEAST_ROWS + 10, 2, 2 * ROWS + 1), _example(150, 3, ROWS, np.float32),
    _example(2 * LEAST_ROWS, 3, 5, sparse.csr_matrix), _clouds,
    _example(40, 3, 5, lambda X: sparse.csr_matrix(X.astype(np.float32))), _example(40, 2, 7, _wide),
    lambda rng: (rng.normal(size=(300, 4)) * 1e100, np.ones(300), rng.normal(size=(3, 4)), rng.normal(size=(3, 4)) * 1e-3)))
def two_steps_formula(X, weights, first, second):
    X = (X.toarray() if sparse.issparse(X) else X).astype(np.float64)
    labels = ((X[:, None] - second) ** 2).sum(axis=2).argmin(axis=1)
    own = np.eye(len(second))[labels] * weights[:, None]  # (n, k)
    inertia = weights @ ((X - second[labels]) ** 2).sum(axis=1)
    return labels, own.sum(axis=0), own.T @ X, own.T @ X, np.array([inertia])
