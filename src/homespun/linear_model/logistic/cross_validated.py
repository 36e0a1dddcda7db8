"""Logistic regression that chooses its penalty by cross-validation.

For each fold and each l1_ratio, C grows from the strongest penalty to the weakest, each fit started at its neighbour: a step of
the path costs a few passes. The pair with the best mean score on the rows left out wins, and is fitted on all rows.
The problem, its solvers and the cost of a fit are those of `LogisticRegression`.
"""

from __future__ import annotations

import numpy as np
from sklearn.metrics import check_scoring, get_scorer_names
from sklearn.utils.validation import column_or_1d

from homespun.base import ArrayLike, Boolean, CallableWith, DataError, Integer, OneOf, Real, Satisfies, check_params, progress
from homespun.linear_model.base import FLOATS, Folds, folds_of, numbers_in
from homespun.linear_model.logistic.estimator import LogisticRegression

Scorer = CallableWith("a scorer") | None | OneOf("warn") | Satisfies(
    lambda word: isinstance(word, str) and word in get_scorer_names(), "the name of a scorer")


class _OneFit(LogisticRegression):
    """One of the fits: with all classes, also those of which a fold has no row to learn from (they become improbable there)."""

    known: np.ndarray

    def _encode(self, y):
        self.classes_ = self.known
        return np.searchsorted(self.classes_, y).astype(np.int64, copy=False)


class LogisticRegressionCV(LogisticRegression):
    """Logistic regression with built-in cross-validation over `Cs` and `l1_ratios`.

    Parameters
    ----------
    Cs : int or array of shape (k,), default 10
        Inverse strengths of the penalty, or how many between 1e-4 and 1e4.
    l1_ratios : array of numbers in [0, 1], optional
        Shares of the l1 norm to choose from; default: none of it, or what `penalty` says.
    cv : int, splitter or iterable, default 5
        Folds, stratified by class for a number.
    scoring : str or callable, optional
        What to maximise; default the accuracy.
    refit : bool, default True
        Fit the best pair on all rows. False: the mean of the folds' weights, each at its own best pair.
    use_legacy_attributes : bool, default True ("warn" is True, too)
        False: ``C_`` and ``l1_ratio_`` are numbers, ``scores_`` and ``n_iter_`` arrays (folds, l1_ratios, Cs), and
        ``coefs_paths_`` (folds, l1_ratios, Cs, K, d + 1). True: arrays with an entry per class, dicts by class.
    others : as those of `LogisticRegression`

    Attributes
    ----------
    Cs_, l1_ratios_ : ndarray;  C_, l1_ratio_, scores_, coefs_paths_, n_iter_ : see `use_legacy_attributes`
    coef_, intercept_, classes_ : as those of `LogisticRegression`

    Examples
    --------
    >>> from homespun.linear_model import LogisticRegressionCV
    >>> X = np.arange(20.0)[:, None]
    >>> LogisticRegressionCV(Cs=[1e-6, 10.0], cv=2, use_legacy_attributes=False).fit(X, X[:, 0] > 8).C_
    10.0
    """

    params = {
        **{name: rule for name, rule in LogisticRegression.params.items() if name not in ("C", "l1_ratio", "warm_start")},
        "Cs": Integer(low=1, high=100_000) | ArrayLike(), "l1_ratios": ArrayLike() | OneOf("warn", None), "cv": Folds,
        "scoring": Scorer, "refit": Boolean(), "use_legacy_attributes": Boolean() | OneOf("warn"),
    }
    warm_start = False

    def __init__(self, *, Cs=10, l1_ratios="warn", fit_intercept=True, cv=None, dual=False, penalty="deprecated", scoring="warn",
                 solver="lbfgs", tol=1e-4, max_iter=100, class_weight=None, n_jobs=None, verbose=0, refit=True,
                 intercept_scaling=1.0, random_state=None, use_legacy_attributes="warn"):
        self.Cs = Cs
        self.l1_ratios = l1_ratios
        self.fit_intercept = fit_intercept
        self.cv = cv
        self.dual = dual
        self.penalty = penalty
        self.scoring = scoring
        self.solver = solver
        self.tol = tol
        self.max_iter = max_iter
        self.class_weight = class_weight
        self.n_jobs = n_jobs
        self.verbose = verbose
        self.refit = refit
        self.intercept_scaling = intercept_scaling
        self.random_state = random_state
        self.use_legacy_attributes = use_legacy_attributes

    def fit(self, X, y, sample_weight=None):
        """Fit. A weight of k equals k copies of the row, where the copies are in one fold.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        X, y = self.validate(X, y, accept_sparse="csr", dtype=FLOATS, order="C")
        y = column_or_1d(y, warn=True)
        code = self._encode(y)
        weight = self.validate_weights(sample_weight, X)
        weight = weight * self._class_weights(y, weight)[code]
        listed = not (self.l1_ratios is None or isinstance(self.l1_ratios, str))
        one = {"l1": 1.0}.get(self.penalty, 0.0)
        self.l1_ratios_ = numbers_in("LogisticRegressionCV", "l1_ratios", self.l1_ratios if listed else [one], Real(0, 1))
        self.Cs_ = (np.logspace(-4, 4, self.Cs) if isinstance(self.Cs, (int, np.integer))
                    else numbers_in("LogisticRegressionCV", "Cs", self.Cs, Real(low=0, open="low")))
        scorer = check_scoring(self, scoring=None if isinstance(self.scoring, str) and self.scoring == "warn" else self.scoring)
        folds = self._folds(X, y)
        rows, width = (1 if len(self.classes_) == 2 else len(self.classes_)), X.shape[1] + bool(self.fit_intercept)
        shape = len(folds), len(self.l1_ratios_), len(self.Cs_)
        paths, scores, steps = np.empty((*shape, rows, width)), np.empty(shape), np.empty(shape, dtype=np.int32)
        for i, (train, test) in enumerate(progress(folds, label="LogisticRegressionCV")):
            told = {} if sample_weight is None else {"sample_weight": weight[test]}
            for j, ratio in enumerate(self.l1_ratios_):
                model = self._one(1.0, ratio)
                for k in np.argsort(self.Cs_, kind="stable"):
                    model.C = float(self.Cs_[k])
                    model.fit(X[train], y[train], weight[train])
                    paths[i, j, k] = np.column_stack([model.coef_, model.intercept_]) if self.fit_intercept else model.coef_
                    scores[i, j, k], steps[i, j, k] = scorer(model, X[test], y[test], **told), model.n_iter_[0]
        if self.refit:
            j, k = map(int, np.unravel_index(np.argmax(scores.mean(axis=0)), shape[1:]))
            C, ratio = float(self.Cs_[k]), float(self.l1_ratios_[j])
            model = self._one(C, ratio).fit(X, y, weight)
            self.coef_, self.intercept_ = model.coef_, model.intercept_
        else:
            best = [np.unravel_index(np.argmax(part), shape[1:]) for part in scores]
            mean = np.mean([paths[i, j, k] for i, (j, k) in enumerate(best)], axis=0)
            C, ratio = float(np.mean(self.Cs_[[k for _, k in best]])), float(np.mean(self.l1_ratios_[[j for j, _ in best]]))
            self.coef_ = np.ascontiguousarray(mean[:, : X.shape[1]], dtype=X.dtype)
            self.intercept_ = (mean[:, -1] if self.fit_intercept else np.zeros(rows)).astype(X.dtype)
        self._tell(C, ratio, paths, scores, steps, listed)
        return self

    def _one(self, C, ratio):
        model = _OneFit(C=C, l1_ratio=float(ratio), fit_intercept=self.fit_intercept, tol=self.tol, max_iter=self.max_iter,
                        solver=self.solver, intercept_scaling=self.intercept_scaling, warm_start=True)
        model.known = self.classes_
        return model

    def _folds(self, X, y):
        from sklearn.model_selection import check_cv

        plain = self.cv is None or isinstance(self.cv, (int, np.integer))
        try:
            splitter = check_cv(5 if self.cv is None else self.cv, y, classifier=True) if plain else self.cv
            return folds_of(self, splitter, X, y)
        except ValueError as error:
            if isinstance(error, DataError) or hasattr(error, "operands"):
                raise
            raise DataError(f"LogisticRegressionCV.fit: cv: {error}", operation="LogisticRegressionCV.fit",
                            operands={"cv": self.cv}, rule="folds that hold every class") from None

    def _tell(self, C, ratio, paths, scores, steps, listed):
        """The attributes, in the form that was asked for."""
        if self.use_legacy_attributes is False:
            self.C_, self.l1_ratio_, self.coefs_paths_, self.scores_, self.n_iter_ = C, ratio, paths, scores, steps
            return
        labels = self.classes_[1:] if len(paths[0, 0, 0]) == 1 else self.classes_
        self.C_, self.l1_ratio_ = np.full(len(labels), C), np.full(len(labels), ratio)
        by_class = [np.moveaxis(paths[:, :, :, k], 1, 2) for k in range(len(labels))]  # (folds, Cs, l1_ratios, d + 1)
        grid, counted = np.moveaxis(scores, 1, 2), np.moveaxis(steps, 1, 2)[None]
        if not listed:
            by_class, grid, counted = [part[:, :, 0] for part in by_class], grid[:, :, 0], counted[..., 0]
        self.coefs_paths_ = dict(zip(labels.tolist(), by_class))
        self.scores_ = dict(zip(labels.tolist(), [grid] * len(labels)))
        self.n_iter_ = counted

    def score(self, X, y, sample_weight=None):
        """The score that `scoring` names; by default the accuracy."""
        scoring = None if isinstance(self.scoring, str) and self.scoring == "warn" else self.scoring
        if scoring is None:
            return super().score(X, y, sample_weight)
        told = {} if sample_weight is None else {"sample_weight": sample_weight}
        return float(check_scoring(self, scoring=scoring)(self, X, y, **told))
