"""How many clusters, how good is each, and how k-means gets there."""

from __future__ import annotations

import numpy as np

from homespun.base.errors import ParameterError
from homespun.metrics.checks import check_shapes, labels_of, numbers
from homespun.metrics.cluster.silhouette import silhouette_samples
from homespun.plot.axes import axes


class ElbowDisplay:
    """Inertia (sum of squared distances to the centres) over the number of clusters: the elbow is where more stop helping."""

    def __init__(self, *, n_clusters, inertia):
        self.n_clusters, self.inertia = n_clusters, inertia

    @classmethod
    def from_estimator(cls, estimator, X, *, n_clusters=range(1, 11), ax=None, **kwargs):
        """Fit a copy of `estimator` (it has `n_clusters` and `inertia_`) for each number."""
        from sklearn.base import clone

        counts = list(n_clusters)
        inertia = [float(clone(estimator).set_params(n_clusters=count).fit(X).inertia_) for count in counts]
        return cls(n_clusters=counts, inertia=inertia).plot(ax, **kwargs)

    def plot(self, ax=None, **kwargs):
        """Draw on `ax`, or on new axes; `kwargs` go to the line."""
        ax = axes(ax)
        (self.line_,) = ax.plot(self.n_clusters, self.inertia, **{"marker": "o", **kwargs})
        ax.set(xlabel="Number of clusters", ylabel="Inertia", xticks=self.n_clusters)
        ax.set_ylim(bottom=0)
        self.ax_, self.figure_ = ax, ax.figure
        return self


class SilhouetteDisplay:
    """Silhouette of every row, cluster by cluster: full blades are clusters, thin ones and rows below 0 are not.

    >>> import matplotlib; matplotlib.use("agg")
    >>> display = SilhouetteDisplay.from_labels(np.array([[0.0], [1.0], [9.0], [10.0]]), [0, 0, 1, 1])
    >>> round(display.score, 2)
    0.89
    """

    def __init__(self, *, samples, labels):
        self.samples, self.labels = samples, labels
        self.score = float(np.mean(samples))

    @classmethod
    def from_estimator(cls, estimator, X, *, metric="euclidean", ax=None):
        """With the labels that a fitted clusterer gave to X, or gives now."""
        labels = getattr(estimator, "labels_", None)
        if labels is None or len(labels) != len(X):
            labels = estimator.predict(X)
        return cls.from_labels(X, labels, metric=metric, ax=ax)

    @classmethod
    def from_labels(cls, X, labels, *, metric="euclidean", ax=None):
        """With labels that are there already."""
        labels = labels_of("SilhouetteDisplay.from_labels", "labels", labels)
        return cls(samples=silhouette_samples(X, labels, metric=metric), labels=labels).plot(ax)

    def plot(self, ax=None):
        """Draw on `ax`, or on new axes."""
        ax = axes(ax)
        start, self.blades_, ticks = 0, [], []
        names = np.unique(self.labels)
        gap = max(1, len(self.samples) // 50)
        for name in names:
            values = np.sort(self.samples[self.labels == name])
            rows = np.arange(start, start + len(values))
            self.blades_.append(ax.barh(rows, values, height=1.0))
            ticks.append(start + len(values) / 2)
            start += len(values) + gap
        self.line_ = ax.axvline(self.score, color="k", linestyle="--", label=f"mean {self.score:.2f}")
        ax.set(xlabel="Silhouette", ylabel="Cluster", yticks=ticks, yticklabels=names)
        ax.legend(loc="lower right")
        self.ax_, self.figure_ = ax, ax.figure
        return self


class KMeansStepsDisplay:
    """The steps of k-means, one picture each: rows go to the nearest centre, centres to the mean of their rows.

    The inertia never rises. It stops falling when the assignment repeats: a local optimum, not always the best one.
    """

    def __init__(self, *, X, steps):
        self.X, self.steps = X, steps  # steps: (centres, labels, inertia)

    @classmethod
    def from_data(cls, X, n_clusters, *, init=None, most=6, random_state=None, axs=None):
        """Run Lloyd's algorithm on X (n, 2) from `init` (centres), or from rows drawn by `random_state`; draw `most` steps."""
        from sklearn.utils import check_random_state

        name = "KMeansStepsDisplay.from_data"
        X = numbers(name, "X", X)
        check_shapes(name, "X: n 2", X=X)
        if not 1 <= n_clusters <= len(X):
            raise ParameterError(f"{name}: n_clusters must be a whole number >= 1 and <= {len(X)} (rows), got {n_clusters!r}",
                                 operation=name, operands={"n_clusters": n_clusters}, rule=f"1 <= n_clusters <= {len(X)}")
        if init is None:
            init = X[check_random_state(random_state).choice(len(X), n_clusters, replace=False)]
        centres = np.array(init, dtype=np.float64)
        steps: list[tuple[np.ndarray, np.ndarray, float]] = []
        while len(steps) < most:
            distance = ((X[:, None] - centres) ** 2).sum(-1)
            labels = distance.argmin(1)
            steps.append((centres.copy(), labels, float(distance.min(1).sum())))
            if len(steps) > 1 and (labels == steps[-2][1]).all():
                break
            for k in range(n_clusters):
                if (labels == k).any():  # an empty cluster keeps its centre
                    centres[k] = X[labels == k].mean(0)
        return cls(X=X, steps=steps).plot(axs)

    def plot(self, axs=None):
        """Draw on as many axes as there are steps, or on new ones."""
        if axs is None:
            columns = min(3, len(self.steps))
            rows = -(-len(self.steps) // columns)
            axs = axes(nrows=rows, ncols=columns, squeeze=False, sharex=True, sharey=True, figsize=(3.2 * columns, 3 * rows))
        axs = np.asarray(axs, dtype=object).ravel()
        self.scatter_, self.centres_ = [], []
        for number, (ax, (centres, labels, inertia)) in enumerate(zip(axs, self.steps), 1):
            self.scatter_.append(ax.scatter(*self.X.T, c=labels, s=12, cmap="tab10", vmin=0, vmax=9))
            self.centres_.append(ax.scatter(*centres.T, c=np.arange(len(centres)), marker="X", s=120, edgecolors="k",
                                            cmap="tab10", vmin=0, vmax=9))
            ax.set_title(f"step {number}: inertia {inertia:.4g}", fontsize=9)
        for ax in axs[len(self.steps):]:
            ax.set_visible(False)
        self.axs_, self.figure_ = axs, axs[0].figure
        return self
