"""Minimise the logistic loss with an l1 or elastic-net penalty: proximal Newton on a working set, by coordinate descent.

    minimise over W    f(W) + sum_kj l1_j |w_kj|                 f: the smooth part (`loss.py`), its l2 term included
    model around W     g'd + d'Hd / 2 + sum_j l1_j |w_j + d_j|   over the working set; coordinate descent solves it
    coordinate j       w_j + d_j <- soft(w_j + d_j - (g + H d)_j / H_jj, l1_j / H_jj),   soft(a, t) = sign(a) max(|a| - t, 0)

Friedman, Hastie & Tibshirani 2010, J. Stat. Software 33(1) (the quadratic model); Lee, Sun & Saunders 2014, SIAM J. Optim.
24(3) (its convergence and line search); Johnson & Guestrin 2015, ICML (working sets).

Only features that are in use, or whose gradient breaks the optimality conditions most, enter the model, so H stays small
whatever d is. Where even that is large (many classes times many features), the classes take turns.
Stops when no coordinate breaks its optimality condition by more than tol (of the mean loss), and the decrease still to be
had, as the model sees it, is <= tol^2 relative to the loss.
"""

import numpy as np

from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.linear_model.logistic.smooth import SMALLEST_LOSS, hessian

MODEL_LIMIT = 1500  # coordinates of one quadratic model (18 MB); beyond it classes take turns
FIRST_WORKING_SET = 64


def minimise_l1(loss, W, l1, tol, max_iter):
    """Minimise `loss` + sum_j l1_j |w_kj| from W; l1: (d+1,), the intercept's last.

    Returns
    -------
    W : array (K, d+1)
    iterations : int
    converged : bool
    """
    value, gradient = loss.evaluate(W)
    largest = FIRST_WORKING_SET
    iteration = 0
    while True:
        # 1. Optimality: 0 in gradient + l1 * (subgradient of |w|).
        violation = breach(W, gradient, l1)
        small = violation.max() <= tol
        enough = tol * tol * max(value, SMALLEST_LOSS)
        if iteration == max_iter:
            return W, iteration, bool(small)
        # 2. The working set.
        features, largest = working_set(W[:, :-1], violation[:, :-1].max(0), largest)
        together = loss.rows * (features.size + 1) <= MODEL_LIMIT
        moved, gain = False, 0.0
        for classes in ([list(range(loss.rows))] if together else [[k] for k in range(loss.rows)]):
            # 3. The quadratic model of these classes and features, and its minimum.
            rows, columns = np.array(classes)[:, None], np.append(features, W.shape[1] - 1)
            w, g = W[rows, columns].ravel(), gradient[rows, columns].ravel()
            t = np.tile(l1[columns], len(classes))
            H = hessian(loss, classes, features)
            if not loss.fit_intercept:
                absent = np.arange(features.size, w.size, columns.size)
                H[absent] = H[:, absent] = 0.0
            inner = violation.max() * min(0.1, violation.max())  # ever closer, so that the end is as fast as Newton's
            d = minimise_quadratic(H, g, w, t, max(inner, 0.01 * tol))
            # 4. What the step promises: at least twice the model's decrease. Done, if that is little everywhere.
            promised = float((g * d).sum() + (t * (np.abs(w + d) - np.abs(w))).sum())
            gain -= promised / 2
            if small and gain <= enough:
                continue
            # 5. As much of that step as lowers the objective.
            step = line_search(loss, W, value, l1, (rows, columns), d.reshape(len(classes), -1), promised)
            if step is not None:
                W, value, gradient = step
                moved = True
            else:
                loss.evaluate(W)  # the probabilities of W again, for the next class
        if not moved:  # done; or no point along any step is lower in float64
            return W, iteration, bool(violation.max() <= 100 * tol)
        iteration += 1


def breach(W, gradient, l1):
    """By how much each coordinate breaks its optimality condition, (K, d+1)."""
    return np.where(W != 0.0, np.abs(gradient + l1 * np.sign(W)), np.maximum(np.abs(gradient) - l1, 0.0))


def working_set(W, violation, largest):
    """Features in use and the worst violators; the set may double from one step to the next."""
    used = np.flatnonzero(W.any(0))
    largest = max(largest, 2 * used.size)
    outside = np.flatnonzero((violation > 0.0) & ~W.any(0))
    room = max(largest - used.size, 1)
    if outside.size > room:
        outside = outside[np.argsort(-violation[outside], kind="stable")[:room]]
        largest *= 2
    return np.sort(np.concatenate([used, outside])), largest


def line_search(loss, W, value, l1, place, d, promised):
    """W + step d with enough decrease of loss + l1: (W, value, gradient), or None if there is none in float64."""
    old_penalty = float((l1 * np.abs(W)).sum())
    noise = 1e-15 * (abs(value) + old_penalty)
    step = 1.0
    for _ in range(40 if promised < 0.0 else 0):
        new_W = W.copy()
        new_W[place] += step * d
        penalty = float((l1 * np.abs(new_W)).sum())
        new_value, gradient = loss.evaluate(new_W)
        if new_value + penalty <= value + old_penalty + 0.01 * step * promised + noise:
            return new_W, new_value, gradient
        step *= 0.5
    return None


# ---------------------------------------------------------------------------------------------------------------------
# The quadratic model

def minimise_quadratic(H, g, w, l1, tol, max_sweeps=2000):
    """The d that minimises g'd + d'Hd / 2 + sum_j l1_j |w_j + d_j|, to `tol` in the gradient."""
    d = np.empty(g.size)
    descend(np.ascontiguousarray(H), g.astype(np.float64), w.astype(np.float64), l1.astype(np.float64), tol, max_sweeps, d)
    return d


@kernel("void(f8[:,::1], f8[::1], f8[::1], f8[::1], f8, i8, f8[::1])")
def descend(H, g, w, l1, tol, max_sweeps, d):
    """IN H (p, p), g, w, l1 (p,).   OUT d (p,).   The gradient g + H d is kept up to date: a move costs one row of H."""
    p = g.size
    gradient = g.copy()
    d[:] = 0.0
    for _ in range(max_sweeps):
        worst = 0.0
        for j in range(p):
            curvature = H[j, j]
            if curvature <= 0.0:
                continue
            here = w[j] + d[j]
            target = here - gradient[j] / curvature
            threshold = l1[j] / curvature
            there = target - threshold if target > threshold else (target + threshold if target < -threshold else 0.0)
            move = there - here
            if move != 0.0:  # no mutant (0.0 → 1.0): a move of 0 changes nothing, it only costs time
                d[j] += move
                for m in range(p):
                    gradient[m] += H[j, m] * move
                worst = max(worst, abs(move) * curvature)  # no mutant (* → /): it only says when to stop
        if worst <= tol:
            break


def _example(rng):
    A = rng.normal(size=(30, 6))
    H = A.T @ A / 30
    H[3] = H[:, 3] = 0.0  # a constant column
    return H, rng.normal(size=6), rng.normal(size=6) * (rng.random(6) < 0.5), np.full(6, 0.3), 1e-12


@oracle(minimise_quadratic, kernels=(descend,), example=_example, rtol=1e-7, atol=1e-7)
def minimise_quadratic_formula(H, g, w, l1, tol, max_sweeps=2000):
    """The same minimum by proximal gradient steps d <- prox(d - (g + H d) / L), L the largest eigenvalue of H."""
    L = np.linalg.eigvalsh(H).max()
    d = np.zeros(g.size)
    for _ in range(20_000):
        a = w + d - (g + H @ d) / L
        d = np.where(H.diagonal() > 0, np.sign(a) * np.maximum(np.abs(a) - l1 / L, 0.0) - w, 0.0)
    return d
