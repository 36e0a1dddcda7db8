"""Solve M X' = B' for a symmetric positive definite M by M = L L'.              M, L: (p, p)   B, X: (k, p), a right side a row

    L_ij = (M_ij - sum_{m<j} L_im L_jm) / L_jj        L_ii = sqrt(M_ii - sum_{m<i} L_im^2)
    forward  L z = b,  then backward  L' x = z

Golub & Van Loan, Matrix Computations, 4th ed., algorithm 4.2.1 in row order: every inner loop runs along a row of L.
p^3/6 multiplications to factor, k p^2 to solve.

Why not LAPACK: between our kernels its thread pool fights with ours. At p = 784 on a busy machine the factor took 450 ms
that takes 26 here, and its result may depend on the number of threads.
"""

import numpy as np

from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle


def factor(M):
    """Lower triangle L with L L' = M, or None if M is not positive definite in float64."""
    L = np.zeros_like(M)
    return L if factor_rows(np.ascontiguousarray(M), L) else None


def solve(L, B):
    """X with L L' x = b for each row b of B."""
    X = np.array(B, dtype=np.float64, order="C")
    solve_rows(L, X)
    return X


@kernel("b1(f8[:,::1], f8[:,::1])")
def factor_rows(M, L):
    """IN M (p, p), its lower triangle.   OUT L (p, p), zero above the diagonal as it came.   Whether all pivots were positive."""
    for i in range(M.shape[0]):  # no mutant (0 → 1): M is square
        row = L[i]
        for j in range(i + 1):
            other = L[j]
            total = M[i, j]  # no mutant ([i, j] → [j, i]): M is symmetric
            for m in range(j):
                total -= row[m] * other[m]
            if j < i:
                row[j] = total / other[j]
            elif total > 0.0:
                row[i] = np.sqrt(total)  # no mutant (row[i]: i → j): they are equal here
            else:
                return False
    return True


@kernel("void(f8[:,::1], f8[:,::1])")
def solve_rows(L, X):
    """IN L (p, p).   IN/OUT X (k, p): right sides, then solutions."""
    p = L.shape[0]  # no mutant (0 → 1): L is square
    for k in range(X.shape[0]):
        x = X[k]
        for i in range(p):
            row = L[i]
            total = x[i]
            for m in range(i):
                total -= row[m] * x[m]
            x[i] = total / row[i]
        for back in range(p):
            i = p - 1 - back
            row = L[i]
            x[i] /= row[i]
            for m in range(i):
                x[m] -= x[i] * row[m]


def solve_definite(M, B):
    """`factor` and `solve` in one: X, or NaN everywhere if M is not positive definite."""
    L = factor(M)
    return np.full(B.shape, np.nan) if L is None else solve(L, B)


def _example(smallest):
    def make(rng):
        Q = np.linalg.qr(rng.normal(size=(7, 7)))[0]
        return Q * np.append(np.linspace(1, 2, 6), smallest) @ Q.T, rng.normal(size=(3, 7))

    return make


def _singular(rng):
    return np.diag([1.0, 0.0]), rng.normal(size=(2, 2))


@oracle(solve_definite, kernels=(factor_rows, solve_rows),
        example=(_example(0.5), _example(-0.5), _singular), rtol=1e-9, atol=1e-9)
def solve_definite_formula(M, B):
    """X = B M^-1 where every eigenvalue of M is positive."""
    return B @ np.linalg.inv(M) if np.linalg.eigvalsh(M).min() > 0 else np.full(B.shape, np.nan)
