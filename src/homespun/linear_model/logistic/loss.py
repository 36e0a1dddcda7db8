"""The logistic loss in one pass over X: margins, probabilities, loss and gradient together; and its curvature.

    z_i = W x_i + b                            X: (n, d)   W | b: (K, d+1)   K = 1 for two classes, else one row a class
    K = 1:  p_i = 1 / (1 + exp(-z_i))          loss_i = log(1 + exp(z_i)) - [y_i = 1] z_i
    K > 1:  p_i = softmax(z_i)                 loss_i = log sum_k exp(z_ik) - z_{i, y_i}
    f(W, b) = sum_i q_i loss_i + sum_j l2_j/2 w_kj^2             q: (n,) weights that sum to 1   l2: (d+1,), the intercept's last
    gradient_k = sum_i q_i (p_ik - [y_i = k]) (x_i, 1) + l2 w_k
    Hessian_kl = sum_i q_i p_ik ([k = l] - p_il) (x_i, 1)(x_i, 1)' + [k = l] diag(l2)

Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2nd ed., section 4.4.1.

Where the speed comes from: a dense X is read once where two matrix products read it twice; four rows at a time share each load
of W and each store of the gradient. Blocks of rows own their sums, and how many blocks there are depends on the size of
the data alone: the result is the same to the last bit on any number of threads.
O(n d K) a pass; a weighted Gram matrix is O(n d^2).
"""

import math

import numpy as np
from scipy import sparse

from homespun.kernels.kernel import kernel, prange
from homespun.kernels.oracle import oracle

ROWS = 64  # rows of one Gram tile: 64 x (d+1) float64 of a usual d stay in the first- or second-level cache


class LogisticLoss:
    """The objective's smooth part on one data set.

    Parameters
    ----------
    X : array (n, d) in C order, or CSR matrix; float32 or float64
    code : int64 array (n,)
        Class of each row, 0 … classes-1.
    weight : float64 array (n,)
        Weights that sum to 1.
    classes : int
    l2 : float64 array (d+1,)
        Squared penalty of each column, the intercept's last.
    fit_intercept : bool
        False keeps the last column of W at zero.
    """

    def __init__(self, X, code, weight, classes, l2, fit_intercept):
        self.X, self.code, self.weight, self.l2, self.fit_intercept = X, code, weight, l2, fit_intercept
        self.rows = 1 if classes == 2 else classes
        self.is_sparse = sparse.issparse(X)
        self.shape = (self.rows, X.shape[1] + 1)
        self.probability = np.empty((X.shape[0], self.rows))  # of the latest `evaluate`
        if self.is_sparse:  # by columns as well: more memory, half the time
            self.columns = X.tocsc()
            self.squared = sparse.csc_array((self.columns.data**2, self.columns.indices, self.columns.indptr), shape=X.shape)

    def evaluate(self, W):
        """Value and gradient (K, d+1) at W; leaves the probabilities in `self.probability`."""
        if self.is_sparse:
            value, gradient, self.probability = evaluate_sparse(self.X, self.columns, self.code, self.weight, W)
        else:
            value, gradient, self.probability = evaluate_dense(self.X, self.code, self.weight, W)
        gradient += self.l2 * W
        if not self.fit_intercept:
            gradient[:, -1] = 0.0
        return value + 0.5 * float((self.l2 * W * W).sum()), gradient

    def curvature(self, k, l):
        """Row weights of Hessian block (k, l): q_i p_ik ([k = l] - p_il)."""
        p = self.probability
        return self.weight * p[:, k] * ((1.0 if k == l else 0.0) - p[:, l])

    def shared_curvature(self):
        """Row weights of the one Gram matrix that stands for all classes: exact for two classes, and at equal probabilities."""
        p = self.probability
        return self.weight * (p * (1.0 - p)).sum(1) / max(1, self.rows - 1)

    def gram(self, row_weights, columns=None):
        """sum_i u_i (x_i, 1)(x_i, 1)' over the given features (default all), (d+1, d+1)."""
        if not self.is_sparse:
            return weighted_gram(self.X if columns is None else np.ascontiguousarray(self.X[:, columns]), row_weights)
        X = self.columns.astype(np.float64) if columns is None else self.columns[:, columns].astype(np.float64)
        weighted = sparse.csc_array((X.data * row_weights[X.indices], X.indices, X.indptr), shape=X.shape)
        d = X.shape[1]
        gram = np.empty((d + 1, d + 1))
        gram[:d, :d] = (X.T @ weighted).toarray()
        gram[d, :d] = gram[:d, d] = weighted.sum(0)
        gram[d, d] = row_weights.sum()
        return gram

    def diagonal(self, row_weights):
        """sum_i u_i (x_i, 1)^2, (d+1,)."""
        if self.is_sparse:
            squares = sparse_times(self.squared, np.append(row_weights, 0.0)[None]).ravel()
        else:
            squares = np.einsum("ij,ij,i->j", self.X, self.X, row_weights, dtype=np.float64)
        return np.append(squares, row_weights.sum())

    def hessian_times(self, V):
        """Hessian V for a sparse X, (K, d+1), without forming it."""
        p = self.probability
        margin = sparse_times(self.X, V)
        margin -= (p * margin).sum(1, keepdims=True)  # one row (two classes): p (1 - p), as it should be
        residual = np.zeros((self.rows, margin.shape[0] + 1))
        residual[:, :-1] = (self.weight[:, None] * p * margin).T
        out = self.l2 * V
        out[:, :-1] += sparse_times(self.columns, residual).T
        out[:, -1] += residual.sum(1)
        if not self.fit_intercept:
            out[:, -1] = 0.0
        return out

    def pass_cost(self):
        """Time of one `evaluate`, in multiplications; calling it from Python takes as long as 100,000 of them."""
        return 100_000 + 2 * self.rows * (self.X.nnz if self.is_sparse else self.X.size)


# ---------------------------------------------------------------------------------------------------------------------
# One pass: dense

def evaluate_dense(X, code, weight, W):
    """Weighted loss, gradient (K, d+1) and probabilities (n, K) for a dense X in C order."""
    n, d = X.shape
    blocks = max(1, min(64, n * d // 16384, n // 4))
    probability = np.empty((n, W.shape[0]))
    loss_part, gradient_part = np.empty(blocks), np.empty((blocks, *W.shape))
    dense_pass(X, code, weight, np.ascontiguousarray(W), probability, loss_part, gradient_part)
    return float(loss_part.sum()), gradient_part.sum(0), probability


@kernel()
def row_loss(z, label):                      # z: (K,) margins in, probabilities out
    """Loss of one row; margins become probabilities in place. Exponents are never positive, so nothing overflows."""
    if z.size == 1:
        margin = z[0]
        e = math.exp(-abs(margin))
        z[0] = 1.0 / (1.0 + e) if margin >= 0.0 else e / (1.0 + e)
        return math.log1p(e) + max(margin, 0.0) - label * margin
    top = z[0]
    for k in range(1, z.size):
        top = max(top, z[k])
    own, total = z[label], 0.0
    for k in range(z.size):
        z[k] = math.exp(z[k] - top)
        total += z[k]
    for k in range(z.size):
        z[k] /= total
    return math.log(total) + top - own


@kernel(
    "void(f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,:,::1])",
    "void(f4[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,:,::1])",
    parallel=True,
)
def dense_pass(X, code, weight, W, probability, loss_part, gradient_part):
    """IN X (n, d), code (n,), weight (n,), W (K, d+1).   OUT probability (n, K), loss_part (B,), gradient_part (B, K, d+1)."""
    n, d = X.shape
    K, B = W.shape[0], loss_part.size
    for block in prange(B):
        start, stop = block * n // B, (block + 1) * n // B
        gradient = gradient_part[block]
        gradient[:] = 0.0
        loss = 0.0
        for i in range(start, stop, 4):
            # Four rows a step. Past the end the last row stands in, with residual 0.
            i1, i2, i3 = min(i + 1, stop - 1), min(i + 2, stop - 1), min(i + 3, stop - 1)
            for k in range(K):
                z0, z1, z2, z3 = W[k, d], W[k, d], W[k, d], W[k, d]
                for j in range(d):
                    w = W[k, j]
                    z0 += w * X[i, j]
                    z1 += w * X[i1, j]
                    z2 += w * X[i2, j]
                    z3 += w * X[i3, j]
                probability[i, k], probability[i1, k], probability[i2, k], probability[i3, k] = z0, z1, z2, z3
            for r in range(i, min(i + 4, stop)):
                loss += weight[r] * row_loss(probability[r], code[r])
            q0 = weight[i]
            q1 = weight[i1] if i + 1 < stop else 0.0
            q2 = weight[i2] if i + 2 < stop else 0.0
            q3 = weight[i3] if i + 3 < stop else 0.0
            for k in range(K):
                target = k if K > 1 else 1
                r0 = q0 * (probability[i, k] - (1.0 if code[i] == target else 0.0))
                r1 = q1 * (probability[i1, k] - (1.0 if code[i1] == target else 0.0))
                r2 = q2 * (probability[i2, k] - (1.0 if code[i2] == target else 0.0))
                r3 = q3 * (probability[i3, k] - (1.0 if code[i3] == target else 0.0))
                for j in range(d):
                    gradient[k, j] += r0 * X[i, j] + r1 * X[i1, j] + r2 * X[i2, j] + r3 * X[i3, j]
                gradient[k, d] += r0 + r1 + r2 + r3
        loss_part[block] = loss


def _example(n, d, classes, dtype=np.float64):
    def make(rng):
        code = rng.integers(classes, size=n)
        rows = 1 if classes == 2 else classes
        return (rng.normal(size=(n, d)).astype(dtype), code, rng.uniform(0.1, 1, n), 2 * rng.normal(size=(rows, d + 1)))

    return make


@oracle(evaluate_dense, kernels=(dense_pass, row_loss), rtol=1e-9, atol=1e-9,
        example=(_example(23, 5, 2), _example(42, 3, 4), _example(1, 2, 3), _example(9, 3, 2, np.float32)))
def evaluate_formula(X, code, weight, W):
    """Loss, gradient and probabilities as the module's formulas say."""
    rows = np.column_stack([X.astype(np.float64), np.ones(len(X))])
    z = rows @ W.T
    if len(W) == 1:
        z = np.column_stack([np.zeros(len(X)), z])
    log_total = np.logaddexp.reduce(z, axis=1, keepdims=True)
    p = np.exp(z - log_total)
    own = np.eye(z.shape[1])[code]
    residual = weight[:, None] * (p - own)
    kept = slice(1, None) if len(W) == 1 else slice(None)
    return weight @ (log_total[:, 0] - (z * own).sum(1)), residual[:, kept].T @ rows, p[:, kept]


# ---------------------------------------------------------------------------------------------------------------------
# Sparse: by rows for the margins, by columns for the gradient

def evaluate_sparse(X, columns, code, weight, W):
    """As `evaluate_dense`, for X as a CSR matrix and the same matrix as CSC.

    A second copy by columns makes every output someone's own: 2.1 ms for 20,000 x 50,000 with 1.5 million entries, where one
    pass over rows that scatters into one gradient a block took 3.1 ms (and more the wider X is).
    """
    n, d = X.shape
    margin = sparse_times(X, W)
    residual, loss_part = np.zeros((W.shape[0], n + 1)), np.empty(max(1, min(64, n // 256)))
    losses_of_margins(margin, code, weight, residual, loss_part)  # margins become probabilities
    gradient = np.empty_like(W)
    gradient[:, :d] = sparse_times(columns, residual).T
    gradient[:, d] = residual.sum(1)
    return float(loss_part.sum()), gradient, margin


def sparse_times(matrix, W):
    """M w_k + b_k for each row (w_k, b_k) of W (K, columns + 1); M is a CSR matrix, or the transpose of a CSC one: (rows, K)."""
    index = np.int64 if matrix.indptr.dtype == np.int64 or matrix.indices.dtype == np.int64 else np.int32
    indptr = matrix.indptr.astype(index, copy=False)
    out = np.empty((indptr.size - 1, W.shape[0]))
    # Blocks of rows with about the same number of entries.
    bounds = np.searchsorted(indptr, np.linspace(0, indptr[-1], 65)).astype(np.int64)
    bounds[0], bounds[-1] = 0, out.shape[0]
    sparse_product(matrix.data, matrix.indices.astype(index, copy=False), indptr, bounds, np.ascontiguousarray(W), out)
    return out


@kernel(
    "void(f8[::1], i4[::1], i4[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(f8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(f4[::1], i4[::1], i4[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(f4[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1])",
    parallel=True,
)
def sparse_product(data, indices, indptr, bounds, W, out):
    """IN CSR data, indices, indptr, bounds (B+1,), W (K, m+1).   OUT out (rows, K).

    Unsigned indices: the test for a negative one, which Python's rules ask for, took as long as the rest of the loop.
    """
    m = W.shape[1] - 1
    for block in prange(bounds.size - 1):
        for i in range(bounds[block], bounds[block + 1]):
            for k in range(W.shape[0]):
                w = W[k]
                total = w[m]
                for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
                    total += data[entry] * w[np.uint64(indices[entry])]
                out[i, k] = total


@kernel("void(f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[::1])", parallel=True)
def losses_of_margins(margin, code, weight, residual, loss_part):
    """IN code, weight (n,).   IN/OUT margin (n, K): then probabilities.   OUT residual (K, n+1) without its last column,
    loss_part (B,)."""
    n, K = margin.shape
    B = loss_part.size
    for block in prange(B):
        loss = 0.0
        for i in range(block * n // B, (block + 1) * n // B):
            loss += weight[i] * row_loss(margin[i], code[i])
            for k in range(K):
                target = k if K > 1 else 1
                residual[k, i] = weight[i] * (margin[i, k] - (1.0 if code[i] == target else 0.0))
        loss_part[block] = loss


def _sparse_example(n, d, classes, dtype=np.float64, index=np.int32):
    def make(rng):
        X, code, weight, W = _example(n, d, classes, dtype)(rng)
        X = sparse.csr_array(X * (rng.random((n, d)) < 0.4).astype(dtype))
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        return X, X.tocsc(), code, weight, W

    return make


@oracle(evaluate_sparse, kernels=(sparse_product, losses_of_margins, row_loss), rtol=1e-9, atol=1e-9,
        example=(_sparse_example(41, 3, 2), _sparse_example(520, 2, 4), _sparse_example(9, 3, 2, np.float32),
                 _sparse_example(9, 3, 3, index=np.int64)))
def evaluate_sparse_formula(X, columns, code, weight, W):
    """The dense formula on the same matrix."""
    return evaluate_formula(X.toarray(), code, weight, W)


# ---------------------------------------------------------------------------------------------------------------------
# Curvature

def weighted_gram(X, row_weights):
    """sum_i u_i (x_i, 1)(x_i, 1)' for a dense X in C order: (d+1, d+1)."""
    n, d = X.shape
    blocks = max(1, min(32, n // 1024))
    padded = (d + 4) // 4 * 4  # d + 1 rounded up: tiles need no edges
    part = np.empty((blocks, padded, padded))
    gram_pass(X, np.ascontiguousarray(row_weights), part)
    gram = part.sum(0)[: d + 1, : d + 1]
    return np.tril(gram) + np.tril(gram, -1).T


@kernel("void(f8[:,::1], f8[::1], f8[:,:,::1])", "void(f4[:,::1], f8[::1], f8[:,:,::1])", parallel=True)
def gram_pass(X, row_weights, part):
    """IN X (n, d), row_weights (n,).   OUT part (B, D, D): lower triangles, D = d + 1 padded to a multiple of 4.

    A tile of 64 rows is turned so that its columns lie in a row of memory; then 4 x 2 dot products share their loads.
    """
    n, d = X.shape
    B, D = part.shape[0], part.shape[1]
    for block in prange(B):
        gram = part[block]
        gram[:] = 0.0
        plain, scaled = np.zeros((D, ROWS)), np.zeros((D, ROWS))
        stop = (block + 1) * n // B
        for first in range(block * n // B, stop, ROWS):
            count = min(ROWS, stop - first)
            if count < ROWS:
                scaled[:] = 0.0
            for i in range(count):
                u = row_weights[first + i]
                for j in range(d):
                    plain[j, i] = X[first + i, j]
                    scaled[j, i] = u * X[first + i, j]
                plain[d, i] = 1.0
                scaled[d, i] = u
            for a in range(0, D, 4):
                for b in range(0, a + 4, 2):
                    s00 = s01 = s10 = s11 = s20 = s21 = s30 = s31 = 0.0
                    for i in range(ROWS):
                        v0, v1 = scaled[b, i], scaled[b + 1, i]
                        s00 += plain[a, i] * v0
                        s01 += plain[a, i] * v1
                        s10 += plain[a + 1, i] * v0
                        s11 += plain[a + 1, i] * v1
                        s20 += plain[a + 2, i] * v0
                        s21 += plain[a + 2, i] * v1
                        s30 += plain[a + 3, i] * v0
                        s31 += plain[a + 3, i] * v1
                    gram[a, b] += s00
                    gram[a, b + 1] += s01
                    gram[a + 1, b] += s10
                    gram[a + 1, b + 1] += s11
                    gram[a + 2, b] += s20
                    gram[a + 2, b + 1] += s21
                    gram[a + 3, b] += s30
                    gram[a + 3, b + 1] += s31


@oracle(weighted_gram, kernels=(gram_pass,), rtol=1e-9, atol=1e-9,
        example=(lambda rng: (rng.normal(size=(70, 6)), rng.uniform(-1, 1, 70)),
                 lambda rng: (rng.normal(size=(3, 3)).astype(np.float32), rng.uniform(-1, 1, 3))))
def weighted_gram_formula(X, row_weights):
    """(X, 1)' diag(u) (X, 1)."""
    rows = np.column_stack([X.astype(np.float64), np.ones(len(X))])
    return rows.T @ (row_weights[:, None] * rows)
