"""Value and gradient of the logistic loss: one pass over the rows of a dense X, two gathers over a sparse one.

    margins z = W x + b -> probabilities p and losses -> gradient_k = sum_i q_i (p_ik - [y_i = k]) (x_i, 1)      see `loss.py`

Where the speed comes from: a dense X is read once where two matrix products read it twice; four rows at a time share each
load of W and each store of the gradient. Blocks of rows own their sums, and how many blocks there are depends on the size
of the data alone: the result is the same to the last bit on any number of threads.  O(n d K).
"""

import math

import numpy as np
from scipy import sparse

from homespun.kernels.csr import csr_parts
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks


def evaluate_dense(X, code, weight, W):
    """Weighted loss, gradient (K, d+1) and probabilities (n, K) for a dense X in C order."""
    n, d = X.shape
    blocks = max(1, min(64, n * d // 32768))
    probability = np.empty((n, W.shape[0]))
    loss_part, gradient_part = np.empty(blocks), np.empty((blocks, *W.shape))
    over_blocks(dense_pass, blocks, X, code, weight, np.ascontiguousarray(W), probability, loss_part, gradient_part)
    return float(loss_part.sum()), gradient_part.sum(0), probability


@kernel()
def row_loss(z, label):                      # z: (K,) margins in, probabilities out
    """Loss of one row; margins become probabilities in place. Exponents are never positive, so nothing overflows."""
    if z.size == 1:
        margin = z[0]
        e = math.exp(-abs(margin))
        z[0] = 1.0 / (1.0 + e) if margin >= 0.0 else e / (1.0 + e)  # no mutant (>= → >): both are 1/2 at 0
        return math.log1p(e) + max(margin, 0.0) - label * margin
    top = z[0]
    for k in range(1, z.size):  # no mutant (1 → 0): the first is compared with itself
        top = max(top, z[k])
    own, total = z[label], 0.0
    for k in range(z.size):
        z[k] = math.exp(z[k] - top)
        total += z[k]
    for k in range(z.size):
        z[k] /= total
    return math.log(total) + top - own


@kernel()
def residual_of(i, k, code, weight, probability):
    """q_i (p_ik - [y_i = k]); the one column of two classes stands for class 1."""
    own = k if probability.shape[1] > 1 else 1  # no mutant (1 → 2): there are never two columns
    return weight[i] * (probability[i, k] - (1.0 if code[i] == own else 0.0))


@kernel(
    "void(i8, f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,:,::1])",
    "void(i8, f4[:,::1], i8[::1], f8[::1], f8[:,::1], f8[:,::1], f8[::1], f8[:,:,::1])",
)
def dense_pass(block, X, code, weight, W, probability, loss_part, gradient_part):
    """IN X (n, d), code (n,), weight (n,), W (K, d+1).   OUT probability (n, K), loss_part (B,), gradient_part (B, K, d+1)."""
    n, d = X.shape
    K, B = W.shape[0], loss_part.size
    stop = (block + 1) * n // B
    gradient_part[block] = 0.0
    loss = 0.0
    for i in range(block * n // B, stop, 4):
        # Four rows a step: twice as fast as one for ten classes. Past the end the last row stands in, with residual 0.
        i1, i2, i3 = min(i + 1, stop - 1), min(i + 2, stop - 1), min(i + 3, stop - 1)
        x0, x1, x2, x3 = X[i], X[i1], X[i2], X[i3]
        for k in range(K):
            w = W[k]
            z0 = z1 = z2 = z3 = w[d]
            for j in range(d):
                z0 += w[j] * x0[j]
                z1 += w[j] * x1[j]
                z2 += w[j] * x2[j]
                z3 += w[j] * x3[j]
            probability[i, k], probability[i1, k], probability[i2, k], probability[i3, k] = z0, z1, z2, z3
        for r in range(i, min(i + 4, stop)):
            loss += weight[r] * row_loss(probability[r], code[r])
        for k in range(K):
            r0 = residual_of(i, k, code, weight, probability)
            r1 = residual_of(i1, k, code, weight, probability) if i + 1 < stop else 0.0
            r2 = residual_of(i2, k, code, weight, probability) if i + 2 < stop else 0.0
            r3 = residual_of(i3, k, code, weight, probability) if i + 3 < stop else 0.0
            gradient = gradient_part[block, k]
            for j in range(d):
                gradient[j] += r0 * x0[j] + r1 * x1[j] + r2 * x2[j] + r3 * x3[j]
            gradient[d] += r0 + r1 + r2 + r3
    loss_part[block] = loss


def _example(n, d, classes, dtype=np.float64, scale=2.0):
    def make(rng):
        code = rng.integers(classes, size=n)
        rows = 1 if classes == 2 else classes
        return (rng.normal(size=(n, d)).astype(dtype), code, rng.uniform(0.1, 1, n), scale * rng.normal(size=(rows, d + 1)))

    return make


@oracle(evaluate_dense, kernels=(dense_pass, row_loss, residual_of), rtol=1e-9, atol=1e-9,
        example=(_example(23, 5, 2), _example(42, 3, 4), _example(1, 2, 3), _example(8, 3, 2, np.float32),
                 _example(70, 1000, 3), _example(20, 3, 4, scale=1000.0)))
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

    A second copy by columns makes every output someone's own. The alternative, one pass over rows that scatters into one
    gradient a block, needs a gradient's memory for each block, and so allows fewer blocks the wider X is.
    """
    n, d = X.shape
    margin = sparse_times(X, W)
    residual, loss_part = np.zeros((W.shape[0], n + 1)), np.empty(max(1, min(64, n // 2048)))
    over_blocks(losses_of_margins, loss_part.size, margin, code, weight, residual, loss_part)  # margins become probabilities
    gradient = np.empty_like(W)
    gradient[:, :d] = sparse_times(columns, residual).T
    gradient[:, d] = residual.sum(1)
    return float(loss_part.sum()), gradient, margin


def sparse_times(matrix, W):
    """M w_k + b_k for each row (w_k, b_k) of W (K, columns + 1); M is a CSR matrix, or the transpose of a CSC one: (rows, K)."""
    data, indices, indptr = csr_parts(matrix)
    out = np.empty((indptr.size - 1, W.shape[0]))
    # Blocks of rows with about the same number of entries.
    blocks = max(1, min(64, matrix.nnz * W.shape[0] // 32768))
    bounds = np.searchsorted(indptr, np.linspace(0, indptr[-1], blocks + 1)).astype(np.int64)
    bounds[0], bounds[-1] = 0, out.shape[0]
    over_blocks(sparse_product, blocks, data, indices, indptr, bounds, np.ascontiguousarray(W), out)
    return out


@kernel(
    "void(i8, f8[::1], i4[::1], i4[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(i8, f8[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(i8, f4[::1], i4[::1], i4[::1], i8[::1], f8[:,::1], f8[:,::1])",
    "void(i8, f4[::1], i8[::1], i8[::1], i8[::1], f8[:,::1], f8[:,::1])",
)
def sparse_product(block, data, indices, indptr, bounds, W, out):
    """IN CSR data, indices, indptr, bounds (B+1,), W (K, m+1).   OUT out (rows, K).

    Unsigned indices: the test for a negative one, which Python's rules ask for, took as long as the rest of the loop.
    """
    m = W.shape[1] - 1
    for i in range(bounds[block], bounds[block + 1]):  # no mutant (+ → -): the first block would do all, the others none
        for k in range(W.shape[0]):
            w = W[k]
            total = w[m]
            for entry in range(np.uint64(indptr[i]), np.uint64(indptr[i + 1])):
                total += data[entry] * w[np.uint64(indices[entry])]
            out[i, k] = total


@kernel("void(i8, f8[:,::1], i8[::1], f8[::1], f8[:,::1], f8[::1])")
def losses_of_margins(block, margin, code, weight, residual, loss_part):
    """IN code, weight (n,).   IN/OUT margin (n, K): then probabilities.   OUT residual (K, n+1) without its last column,
    loss_part (B,)."""
    n, B = code.size, loss_part.size
    loss = 0.0
    for i in range(block * n // B, (block + 1) * n // B):
        loss += weight[i] * row_loss(margin[i], code[i])
        for k in range(margin.shape[1]):
            residual[k, i] = residual_of(i, k, code, weight, margin)
    loss_part[block] = loss


def _sparse_example(n, d, classes, dtype=np.float64, index=np.int32):
    def make(rng):
        X, code, weight, W = _example(n, d, classes, dtype)(rng)
        X = sparse.csr_array(X * (rng.random((n, d)) < 0.4).astype(dtype))
        X.indices, X.indptr = X.indices.astype(index), X.indptr.astype(index)
        return X, X.tocsc(), code, weight, W

    return make


@oracle(evaluate_sparse, kernels=(sparse_product, losses_of_margins, row_loss, residual_of), rtol=1e-9, atol=1e-9,
        example=(_sparse_example(41, 3, 2), _sparse_example(4500, 2, 4), _sparse_example(9, 3, 2, np.float32),
                 _sparse_example(9, 3, 3, index=np.int64), _sparse_example(1300, 9, 16)))
def evaluate_sparse_formula(X, columns, code, weight, W):
    """The dense formula on the same matrix."""
    return evaluate_formula(X.toarray(), code, weight, W)
