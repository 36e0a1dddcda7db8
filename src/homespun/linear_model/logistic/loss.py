"""The logistic loss in one pass over X: margins, probabilities, loss and gradient together; and its curvature.

    z_i = W x_i + b                            X: (n, d)   W | b: (K, d+1)   K = 1 for two classes, else one row a class
    K = 1:  p_i = 1 / (1 + exp(-z_i))          loss_i = log(1 + exp(z_i)) - [y_i = 1] z_i
    K > 1:  p_i = softmax(z_i)                 loss_i = log sum_k exp(z_ik) - z_{i, y_i}
    f(W, b) = sum_i q_i loss_i + sum_j l2_j/2 w_kj^2             q: (n,) weights that sum to 1   l2: (d+1,), the intercept's last
    gradient_k = sum_i q_i (p_ik - [y_i = k]) (x_i, 1) + l2 w_k
    Hessian_kl = sum_i q_i p_ik ([k = l] - p_il) (x_i, 1)(x_i, 1)' + [k = l] diag(l2)

Hastie, Tibshirani & Friedman, The Elements of Statistical Learning, 2nd ed., section 4.4.1.

The loops are in `passes.py` and `gram.py`.  O(n d K) a pass; a weighted Gram matrix is O(n d^2).
"""

import numpy as np
from scipy import sparse

from homespun.linear_model.logistic.gram import weighted_gram
from homespun.linear_model.logistic.passes import evaluate_dense, evaluate_sparse, sparse_times


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
