"""k-means: k centres such that the rows are near to them.

    minimise over C, labels    sum_i s_i |x_i - C_label_i|^2        X: (n, d)   C: (k, d)   s: (n,) weights

Lloyd 1982 (IEEE Trans. Inf. Theory 28(2)): label every row by its nearest centre, move every centre to the mean of its rows,
again until nothing changes. Each step lowers the sum (the *inertia*); it ends in a local minimum, so that the start matters
(`seeding.py`). A step is one pass of `assignment.py`, whose labels are those of the definition.  O(n k d) a step.

A cluster that loses its last row is given the row that lies farthest from its centre (as in scikit-learn). Where that is
impossible, since there are fewer different rows than clusters, a ConvergenceWarning says so.
"""

from __future__ import annotations

import warnings

import numpy as np
from scipy import sparse
from sklearn.base import ClassNamePrefixFeaturesOutMixin, ClusterMixin
from sklearn.exceptions import ConvergenceWarning

from homespun.base import ArrayLike, Boolean, CallableWith, Integer, OneOf, ParameterError, RandomState, Real, generator
from homespun.base.estimator import Estimator, TransformerMixin, check_is_fitted, check_params
from homespun.base.stored import FLOATS, stored_array
from homespun.cluster.assignment import Assigner
from homespun.cluster.seeding import plus_plus, random_rows, refuse_too_few, rows_of
from homespun.kernels.matmul import pairwise_distances

FLOATS_FIRST = [np.float64, np.float32]  # what is neither becomes the first
RANDOM_STARTS = 10  # for n_init="auto" where the start is not k-means++


class KMeans(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClusterMixin, Estimator):
    """k-means clustering.

    Parameters
    ----------
    n_clusters : int, default 8
    init : {"k-means++", "random"}, array-like of shape (n_clusters, d) or callable, default "k-means++"
        Where the centres start. A function is called with X, n_clusters and random_state.
    n_init : int or "auto", default "auto"
        Number of starts, of which the best result is kept. "auto": 1 for "k-means++" and given centres, 10 otherwise.
    max_iter : int, default 300
        Most steps of one start.
    tol : float, default 1e-4
        End when the squared moves of all centres add up to no more than `tol` times the mean variance of the features.
    verbose : int, default 0
        1: one line a step.
    random_state : int, RandomState or Generator, optional
    copy_x : bool, default True
        Accepted; X is never changed.
    algorithm : {"lloyd", "elkan"}, default "lloyd"
        Accepted; both give the same labels, and the steps of "lloyd" are the quicker ones here.

    Attributes
    ----------
    cluster_centers_ : ndarray of shape (n_clusters, d)
    labels_ : ndarray of shape (n,), int32
        Nearest centre of each training row.
    inertia_ : float
        Weighted sum of the squared distances to it.
    n_iter_ : int

    Raises
    ------
    ParameterError, ShapeError, DataError

    Examples
    --------
    >>> from homespun.cluster import KMeans
    >>> model = KMeans(n_clusters=2, random_state=0).fit([[1, 2], [1, 4], [1, 0], [10, 2], [10, 4], [10, 0]])
    >>> sorted(model.cluster_centers_.tolist()), model.inertia_
    ([[1.0, 2.0], [10.0, 2.0]], 16.0)
    """

    params = {
        "n_clusters": Integer(low=1),
        "init": OneOf("k-means++", "random") | ArrayLike() | CallableWith("a function of X, n_clusters and random_state"),
        "n_init": OneOf("auto") | Integer(low=1),
        "max_iter": Integer(low=1),
        "tol": Real(low=0),
        "verbose": Integer(low=0) | Boolean(),
        "random_state": RandomState,
        "copy_x": Boolean(),
        "algorithm": OneOf("lloyd", "elkan"),
    }

    def __init__(self, n_clusters=8, *, init="k-means++", n_init="auto", max_iter=300, tol=1e-4, verbose=0, random_state=None,
                 copy_x=True, algorithm="lloyd"):
        self.n_clusters = n_clusters
        self.init = init
        self.n_init = n_init
        self.max_iter = max_iter
        self.tol = tol
        self.verbose = verbose
        self.random_state = random_state
        self.copy_x = copy_x
        self.algorithm = algorithm

    def fit(self, X, y=None, sample_weight=None):
        """Find the centres.

        Parameters
        ----------
        X : array-like or sparse matrix of shape (n, d)
        y : ignored
        sample_weight : array-like of shape (n,), optional
            A row of weight k counts as k rows.

        Raises
        ------
        ParameterError, ShapeError, DataError
        """
        check_params(self)
        X = self.validate(X, accept_sparse="csr", dtype=FLOATS_FIRST, order="C")
        refuse_too_few("KMeans", X.shape[0], self.n_clusters)
        weights = self.validate_weights(sample_weight, X)
        rng = generator(self.random_state)
        assigner = Assigner(X, weights)
        found = [lloyd(assigner, self._start(assigner, rng), self.max_iter, self.tol, self.verbose)
                 for _ in range(self._starts())]
        self.labels_, self.cluster_centers_, self.inertia_, self.n_iter_ = min(found, key=lambda one: one[2])
        self._n_features_out = self.n_clusters
        distinct = len(np.unique(self.labels_))
        if distinct < self.n_clusters:
            warnings.warn(f"Number of distinct clusters ({distinct}) found smaller than n_clusters ({self.n_clusters}). Possibly "
                          "due to duplicate points in X.", ConvergenceWarning, stacklevel=2)
        return self

    def _starts(self):
        given = not isinstance(self.init, str)
        many = callable(self.init) or (not given and self.init == "random")
        self._n_init = (RANDOM_STARTS if many else 1) if self.n_init == "auto" else self.n_init
        if given and not callable(self.init) and self._n_init != 1:
            warnings.warn("Explicit initial center position passed: performing only one init in "
                          f"{type(self).__name__} instead of n_init={self._n_init}.", RuntimeWarning, stacklevel=3)
            self._n_init = 1
        return self._n_init

    def _start(self, assigner, rng):
        """The centres to begin with: (k, d), float64."""
        X, k = assigner.X, self.n_clusters
        if isinstance(self.init, str):
            rows = (plus_plus if self.init == "k-means++" else random_rows)(assigner, k, rng)
            return rows_of(X, rows).astype(np.float64)
        if callable(self.init):
            given = self.init(X, k, random_state=np.random.RandomState(rng.integers(2**31)))  # scikit-learn's protocol
        else:
            given = self.init
        given = given.toarray() if sparse.issparse(given) else np.asarray(given)
        given = self.validate(given, dtype=X.dtype, order="C", operation="init", reset=False) if given.ndim != 2 or (
            given.shape[1:] == X.shape[1:]) else given
        for size, what, rule in ((k, "clusters", 0), (X.shape[1], "features of the data", 1)):
            if given.shape[rule] != size:
                raise ParameterError(f"KMeans: The shape of the initial centers {given.shape} does not match the number of "
                                     f"{what} {size}.", operation="fit", operands={"init": given.shape},
                                     rule=f"init: {k} {X.shape[1]}")
        return given.astype(np.float64)

    # -- use -----------------------------------------------------------------------------------------------------------

    def predict(self, X):
        """The number of the nearest centre of each row: (m,), int32."""
        return self._assigned(X, "predict")[0].labels

    def transform(self, X):
        """Distances to all centres: (m, n_clusters)."""
        check_is_fitted(self)
        X = self.validate(X, accept_sparse="csr", dtype=FLOATS_FIRST, order="C", operation="transform")
        return distances_to(X, self.cluster_centers_)

    def fit_transform(self, X, y=None, sample_weight=None):
        """`fit`, then `transform` of the same rows."""
        return self.fit(X, sample_weight=sample_weight).transform(X)

    def score(self, X, y=None, sample_weight=None):
        """Minus the inertia of these rows: the larger, the nearer they lie to the centres."""
        assigner, centres = self._assigned(X, "score", sample_weight)
        return -assigner.inertia(centres)

    def _assigned(self, X, operation, sample_weight=None):
        check_is_fitted(self)
        X = self.validate(X, accept_sparse="csr", dtype=FLOATS_FIRST, order="C", operation=operation)
        assigner = Assigner(X, self.validate_weights(sample_weight, X, operation=operation))
        centres = np.asarray(self.cluster_centers_, dtype=np.float64)
        assigner.step(centres)
        return assigner, centres

    def check_state(self):
        """ModelFileError unless the centres of a file have the shape that prediction relies on."""
        if "cluster_centers_" in self.__dict__:
            stored_array(self, "cluster_centers_", self.cluster_centers_, FLOATS, None, self.n_features_in_)

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.input_tags.sparse = True
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


def k_means(X, n_clusters, *, sample_weight=None, init="k-means++", n_init="auto", max_iter=300, verbose=False, tol=1e-4,
            random_state=None, copy_x=True, algorithm="lloyd", return_n_iter=False):
    """`KMeans` as a function.

    Returns
    -------
    centers (n_clusters, d), labels (n,), inertia; and the number of steps if `return_n_iter`.

    Examples
    --------
    >>> from homespun.cluster import k_means
    >>> k_means([[0.0], [1.0], [9.0], [10.0]], 2, random_state=0)[2]
    1.0
    """
    model = KMeans(n_clusters, init=init, n_init=n_init, max_iter=max_iter, verbose=verbose, tol=tol, random_state=random_state,
                   copy_x=copy_x, algorithm=algorithm).fit(X, sample_weight=sample_weight)
    found = model.cluster_centers_, model.labels_, model.inertia_
    return (*found, model.n_iter_) if return_n_iter else found


def lloyd(assigner, centres, max_iter, tol, verbose=0):
    """Steps from `centres` (k, d) on: labels (n,), centres (k, d) of X's dtype, inertia, number of steps."""
    assigner.forget()
    fresh, tolerance = False, 0.0
    for step in range(1, max_iter + 1):
        changed = assigner.step(centres)
        if not changed and fresh:
            break
        if not changed:  # nothing moves any more: sums from scratch, without what many moves have rounded away
            assigner.sum_up()
        fresh = not changed
        moved = new_centres(assigner, centres)
        shift = float(((moved - centres) ** 2).sum())
        centres = moved
        if verbose:
            print(f"step {step}: {changed} rows changed their cluster, inertia {assigner.inertia(centres):.6g}")
        tolerance = tol * assigner.mean_variance() if step == 1 and tol > 0 else tolerance
        if shift <= tolerance:
            break
    centres = centres.astype(assigner.X.dtype)  # what is kept decides the labels, as `predict` will
    assigner.step(centres.astype(np.float64))
    return assigner.labels.copy(), centres, assigner.inertia(centres.astype(np.float64)), step


def new_centres(assigner, centres):
    """The means of the clusters; an empty one gets the row that lies farthest from its centre."""
    mass, sums = assigner.totals()
    empty = np.flatnonzero(mass <= 1e-9 * mass.max())  # or nearly so: rounding may have left something
    if empty.size:
        counted = np.bincount(assigner.labels[assigner.weights > 0], minlength=len(centres))
        empty = empty[counted[empty] == 0]
    if empty.size:
        gaps = assigner.row_distances(centres) * (assigner.weights > 0)
        farthest = np.argsort(-gaps, kind="stable")[: empty.size]
        farthest = farthest[gaps[farthest] > 0]  # rows that lie on their centre help nobody
        empty, mass[empty], sums[empty] = empty[: farthest.size], 0.0, 0.0
        rows = rows_of(assigner.X, farthest).astype(np.float64) - assigner.centre
        weights, old = assigner.weights[farthest], assigner.labels[farthest]
        np.subtract.at(mass, old, weights)
        np.subtract.at(sums, old, weights[:, None] * rows)
        mass[empty], sums[empty] = weights, weights[:, None] * rows
    full = mass > 0
    return np.where(full[:, None], assigner.centre + sums / np.where(full, mass, 1.0)[:, None], centres)


def distances_to(X, centres):
    """(m, k), of X's dtype."""
    if sparse.issparse(X):
        X, C = X.astype(np.float64), centres.astype(np.float64)
        squares = np.asarray(X.multiply(X).sum(axis=1)).reshape(-1, 1) - 2 * (X @ C.T) + (C**2).sum(axis=1)
        return np.sqrt(np.maximum(squares, 0.0)).astype(centres.dtype, copy=False)
    return pairwise_distances(X, centres.astype(X.dtype, copy=False))
