"""Minimise the logistic loss with an l2 penalty or none: L-BFGS in a metric; with the Hessian as metric, Newton's method.

    direction = - B gradient     B: the inverse metric M^-1, corrected by the last pairs s = step, y = change of gradient
    M is, whichever is affordable:
      the Hessian (p, p), p = K (d+1)         Newton's method (iteratively reweighted least squares), for small p
      one weighted Gram matrix (d+1, d+1)     the Hessian of every class if the probabilities were equal (Boehning 1992)
      the Hessian in products only            truncated Newton with conjugate gradients, for sparse X
      the diagonal of that matrix (d+1,)      for dense X with very many columns

L-BFGS: Nocedal & Wright, Numerical Optimization, 2nd ed., algorithm 7.4, with M^-1 for H_0. A metric is renewed once the
passes since its last renewal have cost as much as it does: small problems run pure Newton, large ones rarely pay for a
Gram matrix, and neither ever costs more than twice the better choice.

Stops when the largest gradient entry (of the mean loss) is <= tol and the decrease still to be had, estimated by
g'Bg / 2, is <= tol^2 relative to the loss.
"""

import numpy as np

from homespun.linear_model.logistic.cholesky import factor, solve

HESSIAN_LIMIT = 1000     # parameters up to which the whole Hessian is factored (1000: 8 MB, 40 ms)
GRAM_LIMIT = 1024        # features up to which one Gram matrix is
MEMORY = 10              # pairs that L-BFGS keeps
DENSE_SHARE = 0.2        # of entries that are not zero, from which a sparse X is treated as dense
CG_LIMIT = 100           # conjugate-gradient steps within one Newton step
FORCING = 0.2            # residual of the conjugate gradients, relative to the gradient
SMALLEST_LOSS = 1e-2     # separable data have loss -> 0: below this the tolerance is absolute
LARGEST_SQUARE = 1e200   # mean of a column's squares up to which products of the Hessian stay within float64


class SquaresTooLarge(Exception):
    """The squares of a column do not fit into float64: the problem must be scaled first."""


def minimise_smooth(loss, W, tol, max_iter):
    """Minimise `loss` from W.

    Returns
    -------
    W : array (K, d+1)
    iterations : int
    converged : bool
    """
    value, gradient = loss.evaluate(W)
    metric, cost, exact = choose_metric(loss)
    inverse, since_renewal = None, 0.0
    pairs: list[tuple] = []  # (s, y, s'y)
    pass_cost = loss.pass_cost()
    for iteration in range(max_iter + 1):
        # 1. The metric, when it is due.
        if inverse is None or since_renewal >= cost:
            inverse, since_renewal = metric(loss), 0.0
            if exact:
                pairs = []  # nothing to correct: this is Newton's step
        # 2. The direction; the metric alone if rounding spoilt the pairs.
        direction = -apply_inverse(inverse, pairs, gradient)
        slope = float((gradient * direction).sum())
        if pairs and not slope < 0.0:
            pairs, direction = [], -inverse(gradient)
            slope = float((gradient * direction).sum())
        # 3. Done?
        small_gradient = np.abs(gradient).max() <= tol
        if small_gradient and -slope / 2 <= tol * tol * max(value, SMALLEST_LOSS):
            return W, iteration, True
        if iteration == max_iter:
            break
        # 4. A step along it.
        step = line_search(loss, W, value, gradient, direction, slope)
        if step is None:  # no point along it is lower in float64: this is as good as it gets
            if pairs:
                pairs, since_renewal = [], cost
                continue
            return W, iteration, bool(small_gradient or -slope <= 1e-13 * value)
        new_W, new_value, new_gradient, passes = step
        since_renewal += passes * pass_cost
        s, y = new_W - W, new_gradient - gradient
        curvature = float((s * y).sum())
        if curvature > 1e-14 * float(np.sqrt((s * s).sum() * (y * y).sum())):
            pairs = pairs[-(MEMORY - 1):] + [(s, y, curvature)]
        W, value, gradient = new_W, new_value, new_gradient
    return W, max_iter, False


def apply_inverse(inverse, pairs, gradient):
    """B gradient: the two-loop recursion around the inverse metric."""
    q, along = gradient.copy(), []
    for s, y, curvature in reversed(pairs):
        a = float((s * q).sum()) / curvature
        q -= a * y
        along.append(a)
    q = inverse(q)
    if pairs:  # the metric scaled to the latest curvature
        s, y, curvature = pairs[-1]
        q *= curvature / float((y * inverse(y)).sum())
    for (s, y, curvature), a in zip(pairs, reversed(along)):
        q += (a - float((y * q).sum()) / curvature) * s
    return q


def line_search(loss, W, value, gradient, direction, slope):
    """A point along `direction` with enough decrease: (W, value, gradient, passes), or None.

    The first try is 1, the step that the metric proposes; then the minimum of the parabola through what is known. Where
    the decrease drowns in rounding, a flatter slope at an equal value counts (Hager & Zhang 2005, approximate Wolfe).
    """
    step, noise = 1.0, 1e-14 * abs(value)
    for passes in range(1, 31):
        new_W = W + step * direction
        new_value, new_gradient = loss.evaluate(new_W)
        if np.isfinite(new_value):
            new_slope = float((new_gradient * direction).sum())
            enough = new_value <= value + 1e-4 * step * slope
            if enough or (new_value <= value + noise and abs(new_slope) <= 0.5 * abs(slope)):
                return new_W, new_value, new_gradient, passes
            bend = 2 * (new_value - value - step * slope)
            step *= min(0.5, max(0.1, -slope * step / bend)) if bend > 0 else 0.5
        else:
            step *= 0.1
    return None


# ---------------------------------------------------------------------------------------------------------------------
# Metrics: loss -> (gradient -> M^-1 gradient)

def choose_metric(loss):
    """The metric for this problem, its cost in multiplications, and whether it is the Hessian itself."""
    rows, columns = loss.shape
    n = loss.X.shape[0]
    size = rows * columns
    if not loss.is_sparse or loss.X.nnz > DENSE_SHARE * n * columns:
        # A multiplication in the Gram kernel takes about a third of one in a pass, which waits for memory.
        one_gram = n * columns * columns / 2 / 3
        if size <= HESSIAN_LIMIT:
            return hessian_metric, one_gram * rows * (rows + 1) / 2 + size**3 / 6, True
        if columns <= GRAM_LIMIT:
            return gram_metric, one_gram + columns**3 / 6, False
    if loss.is_sparse:
        return conjugate_gradient_metric, 0.0, True
    return diagonal_metric, 20.0 * loss.pass_cost(), False


def hessian(loss, classes=None, features=None):
    """The Hessian over the given classes and features (default all), (p, p), ordered class by class, intercept last."""
    classes = range(loss.rows) if classes is None else classes
    diagonal = loss.l2 if features is None else np.append(loss.l2[features], loss.l2[-1])
    width = diagonal.size
    H = np.empty((len(classes), width, len(classes), width))
    for a, k in enumerate(classes):
        for b, l in enumerate(classes[: a + 1]):
            H[a, :, b] = H[b, :, a] = loss.gram(loss.curvature(k, l), features)
        check_squares(H[a, range(width), a, range(width)])
        H[a, range(width), a, range(width)] += diagonal
    return H.reshape(len(classes) * width, -1)


def check_squares(diagonal):
    """Of a metric, before the penalty is added: with infinity in it no multiple of the identity makes it definite."""
    if not diagonal.max() <= LARGEST_SQUARE:  # NaN neither
        raise SquaresTooLarge


def hessian_metric(loss):
    inverse = inverse_of(hessian(loss), loss, loss.rows)
    return lambda gradient: inverse(gradient.reshape(1, -1)).reshape(gradient.shape)


def gram_metric(loss):
    M = loss.gram(loss.shared_curvature())
    check_squares(M.diagonal())
    M.flat[:: len(M) + 1] += loss.l2
    return inverse_of(M, loss, 1)


def diagonal_metric(loss):
    M = loss.diagonal(loss.shared_curvature())
    check_squares(M)
    M = M + loss.l2
    floor = 1e-10 * M.max() if M.max() > 0 else 1.0
    M = np.maximum(M, floor)
    return lambda gradient: gradient / M


def conjugate_gradient_metric(loss):
    """M is the Hessian, and M^-1 gradient an approximation: conjugate gradients that see M only in products (truncated Newton).

    Preconditioned by the diagonal; they end when the residual is a fraction of the right side that shrinks with it, so
    that the last Newton steps are exact (Eisenstat & Walker 1996; Nocedal & Wright, algorithm 7.1).
    """
    D = diagonal_metric(loss)

    def inverse(gradient):
        d, r = np.zeros_like(gradient), gradient.copy()
        z = D(r)
        direction, rz = z.copy(), float((r * z).sum())
        enough = rz * FORCING**2
        for _ in range(CG_LIMIT):
            if rz <= enough:
                break
            Hp = loss.hessian_times(direction)
            step = rz / float((direction * Hp).sum())
            d += step * direction
            r -= step * Hp
            z = D(r)
            rz, old = float((r * z).sum()), rz
            direction *= rz / old
            direction += z
        return d

    return inverse


def inverse_of(M, loss, rows):
    """right sides (k, p) -> M^-1 of each, by Cholesky on M scaled to a unit diagonal.

    Collinear columns, and the shift that all classes of a softmax may share, make M singular; the gradient has no part
    there, so a diagonal of rounding size decides nothing but makes the factor exist.
    """
    if not loss.fit_intercept:  # an intercept that does not exist: its row and column are those of the identity
        absent = np.arange(len(M) // rows - 1, len(M), len(M) // rows)
        M[absent] = M[:, absent] = 0.0
        M[absent, absent] = 1.0
    diagonal = M.diagonal().copy()
    diagonal[diagonal <= 0.0] = 1.0
    scale = 1.0 / np.sqrt(diagonal)
    M = M * scale * scale[:, None]
    jitter = 1e-14 * len(M)
    while (L := factor(M + jitter * np.eye(len(M)))) is None:
        jitter *= 100.0
    return lambda right: solve(L, right * scale) * scale
