"""Collinearity: how much of each column the others explain already, what that does to a linear model, and what to do.

    VIF_j = 1 / (1 - R_j^2) = (C^-1)_jj          R_j^2: of column j regressed on the others;  C: (d, d) correlation matrix

The variance of the coefficient of column j is VIF_j times what it would be without the others. Marquardt 1970, Technometrics
12(3); Belsley, Kuh & Welsch 1980, ch. 3 (condition number). The coefficients of those regressions are -(C^-1)_jk / (C^-1)_jj, so
one inverse says who explains whom. C is taken apart into its eigenvectors: a column in an eigenvector of value 0 is an exact
combination of others, VIF = inf. When a column leaves, the inverse follows by C'^-1 = P - P_k P_k^T / P_kk. Cost O(n d^2 + d^3).
Trees and penalised models do not need it: it is for coefficients that are read. Not handled: missing values.
"""

from __future__ import annotations

import numpy as np

from homespun.base.estimator import check_is_fitted, check_params
from homespun.base.params import Boolean, Real
from homespun.feature_selection.selector import ColumnSelector


class CollinearityDetector(ColumnSelector):
    """Find columns that others explain, with advice; leave them out on request.

    Parameters
    ----------
    threshold : float > 1, default=10.0
        Variance inflation that is too much. 10: 90 % explained; many books take 5.
    drop : bool, default=False
        True: `transform` leaves columns out, the most inflated first, until none is above the threshold.

    Attributes
    ----------
    vif_ : array of shape (n_features,)
        Variance inflation factors; inf for an exact combination of others, or a constant.
    condition_number_ : float
        sqrt(largest by smallest eigenvalue of the correlations); above 30 is a warning.
    advice_ : list of str
        In words, the worst first; empty if there is nothing to say.
    dropped_ : list of int
        Columns that would go, in that order.
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = np.column_stack([[1.0, 2, 3, 4, 5], [2.1, 3.9, 6, 8.1, 9.9], [1.0, -1, 0, -1, 1]])
    >>> detector = CollinearityDetector().fit(X)
    >>> detector.vif_.round().tolist()
    [1090.0, 1090.0, 1.0]
    >>> detector.advice_[0]
    'column 0: 99.9 % of it is explained by column 1 (VIF 1090). Leave one of them out, or use ridge.'
    """

    params = {"threshold": Real(low=1, open="low"), "drop": Boolean()}

    def __init__(self, *, threshold=10.0, drop=False):
        self.threshold = threshold
        self.drop = drop

    def fit(self, X, y=None, sample_weight=None):
        """Learn the variance inflation factors."""
        check_params(self)
        X = self.validate(X, dtype=np.float64)
        weights = None if sample_weight is None else self.validate_weights(sample_weight, X)
        correlations, varies = correlation_matrix(X, weights)
        self.vif_, inverse, eigenvalues = inflation(correlations, varies)
        singular = not len(eigenvalues) or eigenvalues[0] == 0
        self.condition_number_ = np.inf if singular else float(np.sqrt(eigenvalues[-1] / eigenvalues[0]))
        self.dropped_ = _leave_out(correlations, varies, self.threshold)
        self.advice_ = self._words(correlations, varies, inverse)
        return self

    def _words(self, correlations, varies, inverse):
        names = [str(name) for name in getattr(self, "feature_names_in_", [f"column {j}" for j in range(len(varies))])]
        advice = []
        finite = [j for j in np.argsort(-self.vif_, kind="stable") if self.threshold < self.vif_[j] < np.inf]
        exact = [j for j in self.dropped_ if np.isinf(self.vif_[j])]  # of each exact combination the one that would go
        for j in [*exact, *finite]:
            if not varies[j]:
                advice.append(f"{names[j]} is constant: a linear model cannot tell it from its intercept. Leave it out.")
                continue
            shares = _shares(correlations, inverse, self.vif_, varies, j)
            partners = [k for k in np.argsort(-shares, kind="stable") if shares[k] > 0.1 * shares.max()][:3]
            others = " and ".join(names[k] for k in sorted(partners))
            if np.isinf(self.vif_[j]):
                advice.append(f"{names[j]} is an exact combination of {others}: their coefficients are not defined. "
                              "Leave one of them out.")
            else:
                explained = 100.0 * (1.0 - 1.0 / self.vif_[j])
                advice.append(f"{names[j]}: {explained:.1f} % of it is explained by {others} (VIF {self.vif_[j]:.0f}). "
                              "Leave one of them out, or use ridge.")
        return advice

    def _mask(self):
        check_is_fitted(self)
        mask = np.ones(self.n_features_in_, dtype=bool)
        if self.drop:
            mask[self.dropped_] = False
        return mask


def correlation_matrix(X, weights=None):
    """Correlations of the columns (d, d), 0 for constant ones, and which columns vary."""
    w = np.ones(len(X)) if weights is None else weights
    centred = X - w @ X / w.sum()
    centred -= w @ centred / w.sum()  # what rounding left of the mean
    lengths = np.sqrt(w @ centred**2)
    size = np.abs(X).max(axis=0) * np.sqrt(w.sum())
    varies = lengths > 1e-12 * size
    unit = centred * np.sqrt(w)[:, None] / np.where(varies, lengths, 1.0) * varies
    return unit.T @ unit, varies


def inflation(correlations, varies):
    """VIF of each column, the (pseudo-)inverse of the correlations, and their eigenvalues in ascending order."""
    d = len(varies)
    inside = np.flatnonzero(varies)
    vif, inverse = np.full(d, np.inf), np.zeros((d, d))
    values, vectors = np.linalg.eigh(correlations[np.ix_(inside, inside)])
    null = values <= 1e-12 * max(len(inside), 1)
    part = vectors[:, ~null] / values[~null] @ vectors[:, ~null].T
    inverse[np.ix_(inside, inside)] = part
    vif[inside] = np.diag(part)
    vif[inside[(vectors[:, null] ** 2).sum(axis=1) > 1e-8]] = np.inf
    return vif, inverse, np.maximum(np.where(null, 0.0, values), 0.0)


def _leave_out(correlations, varies, threshold) -> list[int]:
    """Columns to leave out, the most inflated first; among equals the last, so that earlier columns stay."""
    gone = [int(j) for j in np.flatnonzero(~varies)]
    inside = varies.copy()
    while inside.sum() > 1:
        vif, inverse, _ = inflation(correlations, inside)
        vif[~inside] = 0.0
        while True:
            worst = len(vif) - 1 - int(np.argmax(vif[::-1]))
            if not vif[worst] > threshold:
                return gone
            gone.append(worst)
            inside[worst] = False
            if np.isinf(vif[worst]):
                break  # the inverse did not exist: begin again without it
            inverse -= np.outer(inverse[worst], inverse[worst]) / inverse[worst, worst]
            vif = np.where(inside, np.diag(inverse), 0.0)
    return gone


def _shares(correlations, inverse, vif, varies, j):
    """How much each other column takes part in explaining column j."""
    if np.isinf(vif[j]):
        others = [k for k in range(len(vif)) if k != j and varies[k]]
        weights = np.linalg.lstsq(correlations[np.ix_(others, others)], correlations[others, j], rcond=1e-10)[0]
        shares = np.zeros(len(vif))
        shares[others] = np.abs(weights)
        return shares
    shares = np.abs(inverse[j] / inverse[j, j])
    shares[j] = 0.0
    return shares
