"""Round-robin imputation: each column with gaps is regressed on the others in turn, until the filled values settle.

    repeat: for each column j with gaps:  fit  x_j ~ f_j(other columns, filled as they are now)  where x_j is there
                                          fill x_j by f_j where it is not

van Buuren & Groothuis-Oudshoorn 2011, J. Stat. Software 45(3) (MICE, chained equations); Buck 1960. `sample_posterior=True`
draws from the predicted distribution: several imputations with several seeds show how sure one can be. `transform` replays the
learned regressions on new rows. Cost O(rounds d (n d^2 + d^3)). Not handled: texts, weights.
"""

from __future__ import annotations

import warnings
from typing import Any, NamedTuple

import numpy as np
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import check_random_state

from homespun.base.errors import ParameterError
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.params import Anything, ArrayLike, Boolean, Integer, MissingMarker, OneOf, RandomState, Real, Satisfies
from homespun.impute.bayesian_ridge import BayesianRidge
from homespun.impute.filled import MarksMissing
from homespun.impute.simple_imputer import SimpleImputer


class Step(NamedTuple):
    """One regression of the sequence: of which column, on which, and the fitted estimator."""

    feat_idx: int
    neighbor_feat_idx: np.ndarray
    estimator: Any


class IterativeImputer(MarksMissing, TransformerMixin, Estimator):
    """Fill gaps by regressions of each column on the others.

    Parameters
    ----------
    estimator : regressor or None, default=None
        None: Bayesian ridge, whose penalty follows from the data.
    missing_values : number, NaN or None, default=NaN
    sample_posterior : bool, default=False
        Draw values instead of predicting means; the estimator's `predict` must take `return_std`.
    max_iter : int, default=10
        Rounds.
    tol : float, default=1e-3
        Stop once no row changes by more than this times the largest value (changes of a row added up).
    n_nearest_features : int or None, default=None
        Other columns used for each, drawn by their correlation. None: all.
    initial_strategy : {"mean", "median", "most_frequent", "constant"}, default="mean"
    fill_value : number or None, default=None
    imputation_order : {"ascending", "descending", "roman", "arabic", "random"}, default="ascending"
        By share of missing values; roman: from the left, arabic: from the right.
    skip_complete : bool, default=False
        True: no regressions for columns without gaps in `fit`; their gaps in new rows take the initial value.
    min_value, max_value : float or array of shape (n_features,), default=-inf and inf
    verbose : int, default=0
    random_state : None, int or RandomState, default=None
    add_indicator, keep_empty_features : bool, default=False
        As in `SimpleImputer`.

    Attributes
    ----------
    imputation_sequence_ : list of (feat_idx, neighbor_feat_idx, estimator)
    n_iter_, n_features_with_missing_ : int
    initial_imputer_ : SimpleImputer
    indicator_ : MissingIndicator or None
    n_features_in_, feature_names_in_

    Examples
    --------
    >>> X = np.array([[1.0, 2.0], [2.0, 4.0], [3.0, 6.0], [4.0, np.nan]])
    >>> IterativeImputer().fit_transform(X)[3].round(2)
    array([4., 8.])
    """

    params = {
        "estimator": Satisfies(lambda value: value is None or hasattr(value, "fit"), "a regressor or None"),
        "missing_values": MissingMarker(),
        "sample_posterior": Boolean(),
        "max_iter": Integer(low=0),
        "tol": Real(low=0),
        "n_nearest_features": Integer(low=1) | None,
        "initial_strategy": OneOf("mean", "median", "most_frequent", "constant"),
        "fill_value": Anything(),
        "imputation_order": OneOf("ascending", "descending", "roman", "arabic", "random"),
        "skip_complete": Boolean(),
        "min_value": Real() | ArrayLike() | None,
        "max_value": Real() | ArrayLike() | None,
        "verbose": Integer(low=0) | Boolean(),
        "random_state": RandomState,
        "add_indicator": Boolean(),
        "keep_empty_features": Boolean(),
    }

    def __init__(
        self,
        estimator=None,
        *,
        missing_values=np.nan,
        sample_posterior=False,
        max_iter=10,
        tol=1e-3,
        n_nearest_features=None,
        initial_strategy="mean",
        fill_value=None,
        imputation_order="ascending",
        skip_complete=False,
        min_value=-np.inf,
        max_value=np.inf,
        verbose=0,
        random_state=None,
        add_indicator=False,
        keep_empty_features=False,
    ):
        self.estimator = estimator
        self.missing_values = missing_values
        self.sample_posterior = sample_posterior
        self.max_iter = max_iter
        self.tol = tol
        self.n_nearest_features = n_nearest_features
        self.initial_strategy = initial_strategy
        self.fill_value = fill_value
        self.imputation_order = imputation_order
        self.skip_complete = skip_complete
        self.min_value = min_value
        self.max_value = max_value
        self.verbose = verbose
        self.random_state = random_state
        self.add_indicator = add_indicator
        self.keep_empty_features = keep_empty_features

    def fit(self, X, y=None, **fit_params):
        """Learn the regressions. `fit_params` go to the estimator."""
        self.fit_transform(X, **fit_params)
        return self

    def fit_transform(self, X, y=None, **fit_params):
        """Learn the regressions, and X filled."""
        check_params(self)
        X, missing = self._with_nan(X, "fit")
        self._empty = np.asarray(missing.all(axis=0))
        self._learn_marks(missing)
        self.initial_imputer_ = SimpleImputer(
            strategy=self.initial_strategy, fill_value=self.fill_value, keep_empty_features=True
        ).set_output(transform="default").fit(X)
        self.imputation_sequence_: list[Step] = []
        self.n_iter_ = 0
        used = np.flatnonzero(~self._empty)
        filled = self.initial_imputer_.transform(X)
        self._low, self._high = self._limit("min_value", -np.inf), self._limit("max_value", np.inf)
        if not (self._high > self._low).all():
            raise ParameterError("IterativeImputer.fit: One (or more) features have min_value >= max_value.",
                                 operation="IterativeImputer.fit", operands={"min_value": self.min_value,
                                 "max_value": self.max_value}, rule="min_value < max_value")
        rng = self.random_state if isinstance(self.random_state, np.random.Generator) else check_random_state(self.random_state)
        gaps = missing & ~self._empty
        order = self._order(gaps, used, rng)
        self.n_features_with_missing_ = len(order)
        if self.max_iter == 0 or len(used) < 2 or not (~missing).any():
            return self._with_marks(filled, missing)
        chances = self._chances(filled, used)
        enough = self.tol * np.abs(X[~missing]).max()
        for turn in range(1, self.max_iter + 1):
            self.n_iter_ = turn
            before = filled.copy()
            if self.imputation_order == "random" and turn > 1:
                order = self._order(gaps, used, rng)
            for j in order:
                others = self._others(j, used, chances, rng)
                there = ~missing[:, j]
                model = self._fitted(filled[there][:, others], filled[there, j], fit_params)
                self.imputation_sequence_.append(Step(int(j), others, model))
                self._fill(filled, gaps[:, j], self.imputation_sequence_[-1], rng)
            if not self.sample_posterior and np.abs(filled - before).sum(axis=1).max() < enough:
                break
        else:
            if not self.sample_posterior:
                warnings.warn("[IterativeImputer] Early stopping criterion not reached.", ConvergenceWarning)
        return self._with_marks(filled, missing)

    def transform(self, X):
        """X filled by the learned regressions, in their order."""
        check_is_fitted(self)
        X, missing = self._with_nan(X, "transform")
        filled = self.initial_imputer_.transform(X)
        gaps = missing & ~self._empty
        rng = self.random_state if isinstance(self.random_state, np.random.Generator) else check_random_state(self.random_state)
        for step in self.imputation_sequence_:
            self._fill(filled, gaps[:, step.feat_idx], step, rng)
        return self._with_marks(filled, missing)

    def _fill(self, filled, gaps, step, rng):
        """Predict one column where it has gaps, in place."""
        if not gaps.any():
            return
        j, rows = step.feat_idx, filled[gaps][:, step.neighbor_feat_idx]
        low, high = self._low[j], self._high[j]
        if not self.sample_posterior:
            filled[gaps, j] = np.clip(step.estimator.predict(rows), low, high)
            return
        from scipy.special import ndtr, ndtri

        mean, deviation = step.estimator.predict(rows, return_std=True)
        safe = np.where(deviation > 0, deviation, 1.0)
        below, above = ndtr((low - mean) / safe), ndtr((high - mean) / safe)  # a normal cut off at both limits
        drawn = mean + safe * ndtri(below + rng.uniform(size=len(mean)) * (above - below))
        filled[gaps, j] = np.clip(np.where((deviation > 0) & np.isfinite(drawn), drawn, mean), low, high)

    def _fitted(self, X, y, fit_params):
        if self.estimator is None:
            return BayesianRidge(X.astype(np.float64), y.astype(np.float64))
        return clone(self.estimator).fit(X, y, **fit_params)

    def _order(self, gaps, used, rng):
        share = gaps.mean(axis=0)
        chosen = used[share[used] > 0] if self.skip_complete else used
        if self.imputation_order in ("ascending", "descending"):
            chosen = chosen[np.argsort(share[chosen], kind="stable")]
        if self.imputation_order == "random":
            return rng.permutation(chosen)
        return chosen[::-1] if self.imputation_order in ("descending", "arabic") else chosen

    def _chances(self, filled, used):
        """How likely each other column is to be drawn: by its correlation."""
        if self.n_nearest_features is None or self.n_nearest_features >= len(used) - 1:
            return None
        with np.errstate(invalid="ignore", divide="ignore"):
            r = np.abs(np.corrcoef(filled[:, used].astype(np.float64).T))
        r = np.maximum(np.where(np.isnan(r), 1e-6, r), 1e-6)
        np.fill_diagonal(r, 0.0)
        return r / r.sum(axis=0)

    def _others(self, j, used, chances, rng):
        if chances is None:
            return used[used != j]
        place = int(np.flatnonzero(used == j)[0])
        return used[rng.choice(len(used), self.n_nearest_features, replace=False, p=chances[:, place])]

    def _limit(self, name, default):
        given = getattr(self, name)
        if given is None:
            given = default
        limit = np.asarray(given, dtype=np.float64)
        if limit.ndim and len(limit) != self.n_features_in_:
            raise ParameterError(
                f"IterativeImputer.fit: '{name}' should be of shape ({self.n_features_in_},) when an array-like is provided. Got "
                f"{len(limit)}, instead.", operation="IterativeImputer.fit", operands={name: len(limit)},
                rule=f"{self.n_features_in_} values")
        return np.broadcast_to(limit, (self.n_features_in_,)).copy()
