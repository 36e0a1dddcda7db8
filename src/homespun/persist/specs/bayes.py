"""Specs of naive Bayes and of k-means."""

from __future__ import annotations

import numpy as np

from homespun.naive_bayes.base import IMPOSSIBLE
from homespun.persist.specs.registry import exports


@exports("homespun.naive_bayes.GaussianNB")
def _gaussian(model, where):
    scale, level = model.weights()
    return {"run": "gaussian_bayes", "mean": model.theta_, "scale": scale, "level": level} | _answer(model)


@exports(*(f"homespun.naive_bayes.{name}" for name in ("MultinomialNB", "ComplementNB", "BernoulliNB")))
def _counting(model, where):
    weights, level, against, always = model.weights()
    threshold = model._threshold()
    return {"run": "counting_bayes", "weights": weights, "level": level, "against": against, "always": always,
            "threshold": None if np.isnan(threshold) else threshold} | _answer(model)


@exports("homespun.naive_bayes.CategoricalNB")
def _categorical(model, where):
    weights, level, offsets = model.weights()
    return {"run": "categorical_bayes", "weights": weights, "level": level, "offsets": offsets[:-1],
            "sizes": model.n_categories_} | _answer(model)


def _answer(model):
    return {"classes": model.classes_, "prior": np.maximum(model._log_prior(), IMPOSSIBLE)}


@exports("homespun.cluster.KMeans")
def _centres(model, where):
    return {"run": "nearest_centre", "centres": np.asarray(model.cluster_centers_, dtype=np.float64)}
