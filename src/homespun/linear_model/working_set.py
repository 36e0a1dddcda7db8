"""Lasso and elastic net by coordinate descent on a working set of columns.

    minimise over w    1/2 ||b - A w||^2 + l1 |w|_1 + l2/2 ||w||^2        A: (n, d) centred, weighted   b: (n,)   w: (d,)

Few columns get a weight, so the work is done on few:

  1. gradient g = A'(b - A w) for all columns, and the duality gap, which bounds what is left to gain; stop if it is small
  2. columns outside the working set whose |g_j| exceeds l1 (they would enter) join it, the worst first
  3. coordinate descent on the set, by its Gram matrix: with q = c - G w kept up to date (c = A'b), the best w_j is
         soft(q_j + G_jj w_j, l1) / (G_jj + l2)         soft(z, l) = sign(z) max(|z| - l, 0)
     (c comes from the gradient of step 1, as g + G w: so a G that is only nearly right costs rounds, not digits)
  4. once the signs settle, the non-zero weights solve a linear system, which is solved: coordinate descent finds the support
     quickly and the last digits slowly. If a sign would flip, go as far as the first zero, drop it, solve again. Of many
     weights (from `SMALL_SYSTEM` on), step 3 is extrapolated instead, and only if that is slow, too, they are solved for.

1 and 2: Johnson & Guestrin 2015 (Blitz), Massias et al. 2018 (Celer, arXiv:1802.07481); 3: Friedman, Hastie & Tibshirani 2010,
J. Stat. Software 33(1), "covariance updates"; extrapolated: Bertrand & Massias 2021, arXiv:2011.10065, algorithm 1; gap: Kim et
al. 2007; 4 as in Lawson & Hanson. Reading all of A costs O(n d) and happens once in each round (about five); a pass of 3 costs
O(m) for each weight that changes, with m columns in the set.
"""

from __future__ import annotations

import numpy as np
from scipy import linalg

from homespun.kernels import kernel, oracle

LARGEST_SYSTEM = 1500  # weights up to which step 4 solves for them
SMALL_SYSTEM = 100     # weights up to which step 4 is always taken, as it costs nothing and is exact
PATIENCE = 30          # passes of step 3 before step 4 is tried
LONG_PATIENCE = 300    # the same with extrapolation
EXTRAPOLATE = 5        # passes that an extrapolation looks back to. 500 x 20,000: 5 make 722 million products, 8 1,290
FIRST = 250            # columns that begin: a look at all of them costs more than their products
ROUNDS = 100           # most rounds of the four steps
ROUGH_ENOUGH = 1e-8    # sharpness from which rough products give way to exact ones: after three rounds that brought too little


class WorkingSet:
    """The solver's state: it keeps its columns and its weights from one penalty to the next (a path, a warm start).

    Parameters
    ----------
    design : `GramDesign`, `DenseDesign` or `SparseDesign`
        A and b, seen through three questions: `evaluate`, `admit`, and its ``correlation`` c = A'b.
    positive : bool
        Only weights >= 0.
    shuffle : numpy Generator, optional
        Visit the coordinates in a random order, new in each round. Default: in the order in which they joined.
    """

    def __init__(self, design, positive=False, shuffle=None):
        self.design, self.positive, self.shuffle = design, positive, shuffle
        self.members = np.empty(0, dtype=np.int64)
        self.weights = np.empty(0)
        self.outside = np.ones(len(design.correlation), dtype=bool)
        self.gram = np.empty((0, 0))
        self.linear = np.empty(0)  # gradient of the fit at w = 0, as it looks from the weights that the round began with

    def start(self, coef):
        """Begin at `coef` (d,) instead of zero."""
        self._admit(np.flatnonzero(coef))
        self.weights = np.asarray(coef, dtype=np.float64)[self.members]

    def coef(self):
        coef = np.zeros(len(self.outside))
        coef[self.members] = self.weights
        return coef

    def solve(self, l1, l2, tol, max_iter):
        """Minimise; the weights are then in `coef()`.

        Returns
        -------
        gap, goal, epochs : the duality gap that was reached, the one that was wanted (tol ||b||^2), passes over the set
        """
        goal = max(tol, 10 * self.design.precision) * self.design.target_norm
        sharpness, epochs = 1e-3, 0
        for _ in range(ROUNDS):
            gradient, residual_norm, residual_target = self.design.evaluate(self.members, self.weights)
            gap = duality_gap(gradient, self.members, self.weights, residual_norm, residual_target, l1, l2, self.positive)
            if (epochs and gap <= goal) or epochs >= max_iter or sharpness < 1e-12:
                break  # a start that is good enough is still improved once: on a path, no two penalties share their weights
            if not self._admit(self._violators(gradient, l1)) and epochs:
                sharpness *= 1e-2  # nobody wants in: the set itself is not solved well enough
                if self.design.rough is not None and sharpness < ROUGH_ENOUGH:
                    m = len(self.members)
                    self.gram[:m, :m] = self.design.exact(self.members)
            m = len(self.members)
            self.linear = gradient[self.members] + self.gram[:m, :m] @ self.weights
            epochs += self._descend(l1, l2, sharpness * max(goal, min(gap, 0.01 * self.design.target_norm)), max_iter - epochs)
        return gap, goal, max(1, epochs)

    def _violators(self, gradient, l1):
        """Columns that would enter, in the order of X; if they are many, the worst ones.

        How many: half as many again as there are weights now, or what costs about one more look at all d columns.
        """
        d, m = len(gradient), len(self.members)
        weights = int(1.5 * np.count_nonzero(self.weights))
        size = d if l1 == 0 else max(20, weights, min(FIRST, d // 4) if m == 0 else min(200, d // (4 + m // 10)))
        reach = gradient if self.positive else np.abs(gradient)
        candidates = np.flatnonzero(self.outside & (reach > l1))
        if len(candidates) > size:
            candidates = candidates[np.argpartition(-reach[candidates], size)[:size]]
        return np.sort(candidates)

    def _admit(self, new):
        m, total = len(self.members), len(self.members) + len(new)
        if total > len(self.gram):
            grown = np.zeros((2 * total, 2 * total))
            grown[:m, :m] = self.gram[:m, :m]
            self.gram = grown
        if len(new):
            block = self.design.admit(self.members, new)  # (total, len(new))
            self.gram[:total, m:total], self.gram[m:total, :total] = block, block.T
            self.members = np.concatenate([self.members, new])
            self.weights = np.concatenate([self.weights, np.zeros(len(new))])
            self.outside[new] = False
        return len(new)

    def _descend(self, l1, l2, goal, max_epochs):
        """Steps 3 and 4 until no step gains more than its share of `goal`. Returns the passes that it took."""
        m = len(self.members)
        if m == 0:
            return 1
        G, c, w = self.gram[:m, :m], self.linear, self.weights
        order = np.arange(m) if self.shuffle is None else self.shuffle.permutation(m)
        finest = max(np.sqrt(goal / m), 1e-15 * np.sqrt(self.design.target_norm))
        step, epochs = max(finest, 1e-3 * np.sqrt(self.design.target_norm / m)), 0
        while epochs < max_epochs:
            many = np.count_nonzero(w) > SMALL_SYSTEM
            go, patience = (self._descend_extrapolated, LONG_PATIENCE) if many else (descend, PATIENCE)
            passes = go(self.gram, c - G @ w, w, order, l1, l2, step, min(patience, max_epochs - epochs), self.positive)
            epochs += abs(passes)
            if passes > 0 and step == finest and (passes == 1 or np.count_nonzero(w) > SMALL_SYSTEM):
                break
            if passes > 0 and np.count_nonzero(w) > SMALL_SYSTEM:
                step = finest  # coordinate descent does well: no need for a large system
                continue
            if not solve_support(G, c, w, l1, l2, self.positive) and step == finest and passes > 0:
                break
            step = max(finest, 0.01 * step)
        return epochs

    def _descend_extrapolated(self, G, q, w, order, l1, l2, tol, max_epochs, positive):
        """As `descend`; after every few passes, w moves on to where the last ones seem to lead, if it is lower there."""
        c = self.linear

        def value(w, q):  # minus the objective, as G w = c - q
            return 0.5 * (c + q) @ w - l1 * np.abs(w).sum() - 0.5 * l2 * (w @ w)

        trail = [(w.copy(), q.copy())]
        for epoch in range(max_epochs):
            if descend(G, q, w, order, l1, l2, tol, 1, positive) > 0:
                return epoch + 1
            trail.append((w.copy(), q.copy()))
            if len(trail) > EXTRAPOLATE:
                weights, gradients = (np.array(values) for values in zip(*trail))
                shares = extrapolate(weights)
                guess, q_guess = shares @ weights[1:], shares @ gradients[1:]  # q is linear in w: no product with G
                if value(guess, q_guess) > value(w, q) and not (positive and guess.min() < 0.0):
                    w[:], q = guess, q_guess
                trail = [(w.copy(), q.copy())]
        return -max_epochs


def extrapolate(trail):
    """Anderson's limit of a sequence (k + 1, m): shares (k,) of its last k entries, which sum to 1, and for which the mean of
    the steps is shortest. Of a linear sequence in k - 1 dimensions, that is the exact limit.

    >>> extrapolate(np.array([[2.0], [1.0], [0.5]])).round(6).tolist()  # it halves itself: the limit is -1 + 2 / 2 = 0
    [-1.0, 2.0]
    """
    steps = np.diff(trail, axis=0)
    products = steps @ steps.T
    products.flat[:: len(products) + 1] += 1e-12 * np.trace(products) + np.finfo(np.float64).tiny
    shares = np.linalg.solve(products, np.ones(len(products)))
    return shares / shares.sum()


def duality_gap(gradient, members, weights, residual_norm, residual_target, l1, l2, positive):
    """Objective minus the value of a dual point: an upper bound of how far the objective is above its minimum.

    The dual point is the residual, scaled until it is feasible (elastic net: with sqrt(l2) I as more rows of A). Without a
    l1 penalty every residual is feasible, and the gap is that of ridge; without any penalty there is none, and the squared
    gradient stands in for it. These are scikit-learn's definitions.
    """
    squares = weights @ weights
    slack = gradient.copy()
    slack[members] -= l2 * weights
    if l1 == 0:
        if l2 == 0:
            return float(slack @ slack)
        return float(residual_norm + 0.5 * l2 * squares - residual_target + 0.5 * (gradient @ gradient) / l2)
    reach = (slack if positive else np.abs(slack)).max(initial=0.0)
    scale = min(1.0, l1 / reach) if reach > 0 else 1.0
    primal = 0.5 * (residual_norm + l2 * squares) + l1 * np.abs(weights).sum()
    dual = scale * residual_target - 0.5 * scale**2 * (residual_norm + l2 * squares)
    return max(0.0, float(primal - dual))


def solve_support(G, c, w, l1, l2, positive):
    """Step 4, in place: w becomes the minimiser on its own support and signs, or on a smaller support on the way there.

    Returns
    -------
    bool : whether it got there; False if the system is too large, or takes too many steps.
    """
    tries = max(3, min(200, int(2e8 / max(1, int(np.count_nonzero(w))) ** 3)))
    for _ in range(tries):
        support = np.flatnonzero(w)
        if not 0 < len(support) <= LARGEST_SYSTEM:
            return False
        system = G[np.ix_(support, support)]
        system.flat[:: len(support) + 1] += l2
        signs = np.sign(w[support])
        missing = c[support] - l1 * signs - system @ w[support]  # minus the gradient, given the signs
        step = solve_nearly(system, missing)
        flips = (w[support] + step) * signs < 0 if l1 > 0 or positive else np.zeros(len(support), dtype=bool)
        if not flips.any():
            w[support] += step
            return True
        clipped = np.where(flips, -w[support], step)  # all at zero at once, if that gains as well
        if clipped @ missing > 0.5 * clipped @ (system @ clipped):
            w[support] += clipped
            w[support[flips]] = 0.0
        else:  # as far as the first zero: that always gains
            share = np.where(flips, -w[support] / np.where(flips, step, 1.0), np.inf)
            first = np.argmin(share)
            w[support] += share[first] * step
            w[support[first]] = 0.0
    return False


def solve_nearly(system, right):
    """``system^-1 right``; where columns depend on each other, with a ridge so small that the step along such a direction is
    long: it ends at a sign that flips, and the support shrinks to what the data can tell apart."""
    largest = np.diagonal(system).max()
    for ridge in (0.0, 1e-9):
        ridged = system.copy()
        ridged.flat[:: len(system) + 1] += ridge * largest
        try:
            factor = linalg.cho_factor(ridged, lower=True, overwrite_a=True, check_finite=False)
        except linalg.LinAlgError:
            continue
        diagonal = np.abs(np.diagonal(factor[0]))
        if ridge or diagonal.min() > 1e-6 * diagonal.max():
            return linalg.cho_solve(factor, right, check_finite=False)
    return np.zeros_like(right)


@kernel("i8(f8[:, ::1], f8[::1], f8[::1], i8[::1], f8, f8, f8, i8, b1)")
def descend(G, q, w, order, l1, l2, tol, max_epochs, positive):
    """Step 3.   IN G, order.   IN/OUT w, q = c - G w.   Returns the passes; negative if `tol` was not reached.

    Passes over all coordinates alternate with passes over the non-zero ones until those stand still. Still: no step moved the
    fit, ||A_j|| |step|, by more than `tol`. The inner loop runs over a row of G: contiguous, and it vectorises.
    """
    everything = True
    for epoch in range(max_epochs):
        largest = 0.0
        for j in order:
            if not everything and w[j] == 0.0:
                continue
            z = q[j] + G[j, j] * w[j]
            new = 0.0
            if G[j, j] == 0.0:
                pass  # a constant column
            elif z > l1:
                new = (z - l1) / (G[j, j] + l2)
            elif z < -l1 and not positive:
                new = (z + l1) / (G[j, j] + l2)
            step = new - w[j]
            if step != 0.0:
                w[j] = new
                for i in range(w.size):
                    q[i] -= step * G[j, i]
                largest = max(largest, abs(step) * np.sqrt(G[j, j]))
        if largest > tol:
            everything = False
        elif everything:
            return epoch + 1
        else:
            everything = True
    return -max_epochs


def descend_example(G, c, order, l1, l2, tol, max_epochs, positive):
    """From zero weights: weights, q and passes."""
    w, q = np.zeros(len(order)), c.copy()
    passes = descend(G, q, w, order, l1, l2, tol, max_epochs, positive)
    return w, q, passes


def _example(rng, l1=8.0, l2=0.0, tol=1e-9, max_epochs=1000, positive=False, constant=False):
    A = rng.normal(size=(60, 7)) @ (np.eye(7) + 0.4 * rng.normal(size=(7, 7)))
    if constant:
        A[:, 3] = 0.0
    c = A.T @ (A @ np.array([3.0, -2.0, 0.0, 1.0, 0.0, 0.5, -4.0]) + rng.normal(size=60))
    if constant:
        c[3] = 0.5  # what rounding leaves of a constant column must not become a weight
    return A.T @ A, c, rng.permutation(7), l1, l2, tol, max_epochs, positive


@oracle(descend_example, kernels=(descend,), rtol=1e-9, atol=1e-9, example=(
    _example, lambda rng: (np.eye(3), np.array([9.0, 3.0, -9.0]), np.arange(3), 8.0, 0.0, 1e-9, 9, False),
    lambda rng: _example(rng, positive=True), lambda rng: _example(rng, l1=0.0, l2=5.0, max_epochs=4),
    lambda rng: _example(rng, l2=3.0, tol=1.0), lambda rng: _example(rng, l1=0.0, constant=True, max_epochs=30)))
def descend_formula(G, c, order, l1, l2, tol, max_epochs, positive):
    """Each coordinate in turn goes to its best value given the others, by the definition."""
    w, among = np.zeros(len(order)), "all"
    for passes in range(1, max_epochs + 1):
        moved = 0.0
        for j in order:
            if among == "all" or w[j] != 0:
                before, w[j] = w[j], 0.0
                z = c[j] - G[j] @ w
                shrunk = np.sign(z) * max(abs(z) - l1, 0.0)
                w[j] = 0.0 if G[j, j] == 0 or (positive and z < 0) else shrunk / (G[j, j] + l2)
                moved = max(moved, abs(w[j] - before) * np.sqrt(G[j, j]))
        if moved <= tol and among == "all":
            return w, c - G @ w, passes
        among = "all" if moved <= tol else "non-zero"
    return w, c - G @ w, -max_epochs
