"""Logistic regression, in stages: estimator → loss (one pass over X) → smooth (l2, none) or proximal (l1, elastic net)."""

from homespun.linear_model.logistic.cross_validated import LogisticRegressionCV
from homespun.linear_model.logistic.estimator import LogisticRegression

__all__ = ["LogisticRegression", "LogisticRegressionCV"]
