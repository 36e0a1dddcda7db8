"""What comes in: tables of numbers and categories, and the constraints that speak of their columns.

Categories are found in the training data, encoded as 0, 1, … and then binned like numbers, each a bin of its own.
scikit-learn's rules say which columns are categories; the checks and their words are ours.
"""

from __future__ import annotations

import itertools
from numbers import Integral
from typing import Any

import numpy as np
from sklearn.utils.validation import _check_y, check_array, check_consistent_length

from homespun.base import DataError, ParameterError, did_you_mean
from homespun.base.estimator import ClassifierMixin, Estimator
from homespun.ensemble.hist_gradient_boosting.binning import encode_categories, find_categories

FLOATS = [np.float64, np.float32]  # the types that stay as they are; anything else becomes float64


class Inputs(Estimator):
    """Reads X, y and weights, remembers the categories (``_categories``), and reads the constraints on features."""

    monotonic_cst: Any
    interaction_cst: Any
    categorical_features: Any
    max_bins: int
    is_categorical_: Any
    _categories: Any  # per feature: the list of its categories, or None; None altogether where there are none

    def _read_training(self, X, y, sample_weight):
        """X as numbers, y checked, and rows of weight zero left out."""
        check_y: dict[str, Any] = {"y_numeric": not isinstance(self, ClassifierMixin)}
        names = self._categorical_names(X)
        if names is None:
            self.is_categorical_ = self._categories = None
            X, y = self.validate(X, y, dtype=FLOATS, ensure_all_finite=False, **check_y)
            keep, weights = self._kept(sample_weight, X)
        else:
            self.is_categorical_ = names
            self.validate(X, skip_check_array=True)
            try:
                y = _check_y(y, estimator=self, **check_y)
                check_consistent_length(X, y)
            except ValueError as error:
                raise DataError(f"{type(self).__name__}.fit: {error}", operation=f"{type(self).__name__}.fit",
                                rule=str(error)) from None
            keep, weights = self._kept(sample_weight, X)
            self._categories = self._find_categories(X, keep)
            X = self._encode(X)
        if keep is not None:
            X, y, weights = X[keep], y[keep], weights[keep]
        return X, y, weights

    def _kept(self, sample_weight, X):
        """Which rows have a weight (None: all), and the weights."""
        if sample_weight is None:
            return None, None
        weights = self.validate_weights(sample_weight, X)
        return (None if weights.all() else weights > 0), weights

    # -- columns that are categories -----------------------------------------------------------------------------------

    def _categorical_names(self, X):
        """Mask of the categorical features, or None if there are none; scikit-learn's rules for what the parameter may be."""
        import narwhals as nw

        wanted = self.categorical_features
        frame: Any = nw.from_native(X, eager_only=True) if nw.dependencies.is_into_dataframe(X) else None
        if wanted is None or (isinstance(wanted, str) and frame is None):
            return None
        if isinstance(wanted, str):
            mask = np.array([bool(kind in (nw.Categorical, nw.Enum)) for kind in frame.schema.dtypes()])
            return mask if mask.any() else None
        wanted = np.asarray(wanted)
        if wanted.size == 0:
            return None
        d = X.shape[1] if hasattr(X, "shape") else np.asarray(X).shape[1]
        mask = np.zeros(d, dtype=bool)
        if wanted.dtype.kind == "b":
            if wanted.shape != (d,):
                self._categorical_error(f"as a mask needs one entry per feature: {d}, got {wanted.shape}", wanted.shape)
            mask = wanted
        elif wanted.dtype.kind in "iu":
            if wanted.min() < 0 or wanted.max() >= d:
                bad = int(wanted.min() if wanted.min() < 0 else wanted.max())
                self._categorical_error(f"must hold feature numbers from 0 to {d - 1}, got {bad}", bad)
            mask[wanted] = True
        elif all(isinstance(name, str) for name in wanted.tolist()):
            if frame is None:
                self._categorical_error("holds names, but X has no column names", wanted.tolist()[0])
            columns = list(frame.columns)
            for name in wanted.tolist():
                if name not in columns:
                    hint = did_you_mean(name, columns)
                    self._categorical_error(f"names {name!r}, which is not a column of X" + (f"; {hint}" if hint else ""), name)
                mask[columns.index(name)] = True
        else:
            self._categorical_error(f"must hold bools, whole numbers or names, got {wanted.dtype}", wanted.dtype)
        return mask if mask.any() else None

    def _categorical_error(self, words, value):
        owner = type(self).__name__
        raise ParameterError(f"{owner}: categorical_features {words}", operation=owner,
                             operands={"categorical_features": value}, rule=f"categorical_features {words}")

    def _find_categories(self, X, keep):
        categories: list = [None] * self.n_features_in_
        for feature in np.flatnonzero(self.is_categorical_):
            column = _column(X, feature)
            categories[feature] = found = find_categories(column if keep is None else column[keep])
            if len(found) > self.max_bins:
                name = self.feature_names_in_[feature] if hasattr(self, "feature_names_in_") else feature
                operation = f"{type(self).__name__}.fit"
                raise DataError(f"{operation}: categorical feature {name!r} has {len(found)} categories, at most "
                                f"max_bins = {self.max_bins} can be told apart", operation=operation,
                                operands={"feature": name, "categories": len(found)}, rule=f"categories <= {self.max_bins}",
                                suggestion="merge rare categories, or let the feature be a number")
        return categories

    def _encode(self, X):
        """All columns as float64, categories as their position, missing and unknown ones as NaN."""
        n, d = X.shape if hasattr(X, "shape") else np.asarray(X, dtype=object).shape
        out = np.empty((n, d))
        for feature, categories in enumerate(self._categories):
            column = _column(X, feature)
            if categories is None and isinstance(column, np.ndarray) and column.dtype in FLOATS:
                out[:, feature] = column  # NaN and infinity are values here: nothing to check, at 0.06 ms a column
            elif categories is None:
                try:
                    out[:, feature] = check_array(column.reshape(-1, 1), dtype=np.float64, ensure_all_finite=False)[:, 0]
                except ValueError as error:
                    operation = f"{type(self).__name__}.fit"
                    raise DataError(f"{operation}: feature {feature} is not categorical and not numeric: {error}",
                                    operation=operation, operands={"feature": feature}, rule="numbers") from None
            else:
                out[:, feature] = encode_categories(column, categories)
        return out

    def _encode_some(self, columns, features):
        """Some features (points, features) as float64, categories as their position."""
        columns = np.asarray(columns)
        if self._categories is None:
            return columns.astype(np.float64)
        found = [column if categories is None else encode_categories(column, categories)
                 for column, categories in zip(columns.T, (self._categories[feature] for feature in features))]
        return np.stack(found, axis=1).astype(np.float64)

    def _read(self, X, operation):
        """New data as numbers.

        A plain array of the right width is taken at a glance: NaN and infinity are values here, so there is nothing else to
        check, and scikit-learn's checks take 60 of the 80 us that the prediction of one row takes.
        """
        if (type(X) is np.ndarray and X.dtype in FLOATS and X.ndim == 2 and len(X) > 0 and X.shape[1] == self.n_features_in_
                and self._categories is None and "feature_names_in_" not in self.__dict__):
            return X
        if self._categories is None:
            return self.validate(X, operation=operation, dtype=FLOATS, ensure_all_finite=False, reset=False)
        if not hasattr(X, "shape"):
            X = np.asarray(X, dtype=object)
        self.validate(X, operation=operation, skip_check_array=True, reset=False)
        return self._encode(X)

    # -- constraints ---------------------------------------------------------------------------------------------------

    def _read_monotone(self, operation):
        """(d,) of -1, 0, 1, or None where nothing is demanded."""
        given = self.monotonic_cst
        if given is None:
            return None
        monotone = np.zeros(self.n_features_in_, dtype=np.int64)

        def wrong(words, value):
            raise ParameterError(f"{operation}: monotonic_cst {words}", operation=operation,
                                 operands={"monotonic_cst": value}, rule=f"monotonic_cst {words}")

        if isinstance(given, dict):
            names = list(getattr(self, "feature_names_in_", ()))
            for name, direction in given.items():
                if name not in names:
                    hint = did_you_mean(name, names)
                    wrong(f"names {name!r}, which is not a feature" + (f"; {hint}" if hint else ""), name)
                if direction not in (-1, 0, 1):
                    wrong(f"must be -1, 0 or 1 for each feature, got {direction!r} for {name!r}", direction)
                monotone[names.index(name)] = direction
        else:
            given = np.asarray(given)
            if given.shape != monotone.shape:
                wrong(f"must have one entry per feature: {len(monotone)}, got shape {given.shape}", given.shape)
            bad = [value for value in given.tolist() if value not in (-1, 0, 1)]
            if bad:
                wrong(f"must be -1, 0 or 1 for each feature, got {bad[0]!r}", bad[0])
            monotone[:] = given
        if not monotone.any():
            return None
        if self._loss.n_scores > 1:
            wrong(f"is not possible with more than two classes, got {self._loss.n_scores}", self._loss.n_scores)
        categorical = np.zeros(len(monotone), bool) if self.is_categorical_ is None else self.is_categorical_
        both = np.flatnonzero(categorical & (monotone != 0))
        if len(both):
            wrong(f"must be 0 for categorical features, got {monotone[both[0]]} for feature {both[0]}", int(both[0]))
        return monotone

    def _read_interactions(self, operation):
        """(sets, d) bool, or None where every feature may meet every other."""
        d, given = self.n_features_in_, self.interaction_cst
        if given is None:
            return None
        if given == "no_interactions":
            given = [[feature] for feature in range(d)]
        elif given == "pairwise":
            given = list(itertools.combinations(range(d), 2)) or [[0]]
        groups = np.zeros((len(given), d), dtype=bool)
        for group, members in zip(groups, given):
            for feature in members if hasattr(members, "__iter__") else [members]:
                if not (isinstance(feature, Integral) and 0 <= int(feature) < d and hasattr(members, "__iter__")):
                    raise ParameterError(f"{operation}: interaction_cst must be groups of feature numbers from 0 to {d - 1}, "
                                         f"got {members!r}", operation=operation, operands={"interaction_cst": members},
                                         rule=f"0 <= feature <= {d - 1}")
                group[feature] = True
        rest = ~groups.any(axis=0)
        return np.vstack([groups, rest]) if rest.any() else groups


def _column(X, feature):
    """One column as an array: of an array, a pandas or a Polars frame."""
    if type(X) is np.ndarray:  # a tenth of the time of asking what it is
        return X[:, feature]
    import narwhals as nw

    if nw.dependencies.is_into_dataframe(X):
        return nw.from_native(X, eager_only=True)[:, int(feature)].to_numpy()
    return np.asarray(X)[:, feature]
