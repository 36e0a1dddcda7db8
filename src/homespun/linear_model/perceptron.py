"""The perceptron and the passive-aggressive learners: online models whose step a mistake decides, not a schedule.

    perceptron:            w <- w + eta0 y x   if y (w . x + b) <= 0                          Rosenblatt 1958
    passive-aggressive I:  w <- w + min(C, loss / |x|^2) y x;   II:  loss / (|x|^2 + 1/(2C))      Crammer et al. 2006, JMLR 7

X: (n, d)   y: (n,)   w: (d,). If some hyperplane separates the classes by a margin m, the perceptron makes at most (R / m)^2
mistakes, with R the longest |x| (Novikoff 1962); if none does, it never settles.
The passes are in `sgd_base.py`, the steps in `sgd_steps.py`.  O(n d) a pass.
"""

from __future__ import annotations

from homespun.base import NJobs, OneOf, Real
from homespun.base.estimator import RegressorMixin
from homespun.linear_model.classifier import SparseWeights
from homespun.linear_model.sgd_base import AVERAGED, COMMON, PENALISED, STOPPING, RegressionSteps
from homespun.linear_model.stochastic_gradient import CLASS_WEIGHT, ClassSteps


class Perceptron(ClassSteps):
    """Rosenblatt's perceptron: `SGDClassifier` with ``loss="perceptron"`` and steps of one length.

    Parameters
    ----------
    penalty : {None, "l2", "l1", "elasticnet"};  alpha : float, default 0.0001;  l1_ratio : float, default 0.15
    eta0 : float, default 1.0
        Length of a step; without penalty it only scales the weights.
    others : as those of `SGDClassifier`

    Attributes
    ----------
    coef_, intercept_, classes_, n_iter_, t_ : as those of `SGDClassifier`

    Examples
    --------
    >>> from homespun.linear_model import Perceptron
    >>> AND = Perceptron(tol=None, max_iter=20).fit([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]], [0, 0, 0, 1])
    >>> AND.predict([[1.0, 1.0], [0.0, 1.0]]).tolist()
    [1, 0]
    """

    params = {**PENALISED, **COMMON, "eta0": Real(low=0, open="low"), "n_jobs": NJobs, **STOPPING, "class_weight": CLASS_WEIGHT}
    loss = "perceptron"

    def __init__(self, *, penalty=None, alpha=0.0001, l1_ratio=0.15, fit_intercept=True, max_iter=1000, tol=1e-3, shuffle=True,
                 verbose=0, eta0=1.0, n_jobs=None, random_state=0, early_stopping=False, validation_fraction=0.1,
                 n_iter_no_change=5, class_weight=None, warm_start=False):
        self.penalty = penalty
        self.alpha = alpha
        self.l1_ratio = l1_ratio
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.shuffle = shuffle
        self.verbose = verbose
        self.eta0 = eta0
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.class_weight = class_weight
        self.warm_start = warm_start


class PassiveAggressiveClassifier(ClassSteps):
    """Passive-aggressive classification: rows with a margin change nothing, others move w just far enough.

    Parameters
    ----------
    C : float, default 1.0
        Longest step ("hinge"), or how soft it is ("squared_hinge").
    loss : {"hinge", "squared_hinge"}
        PA-I, PA-II.
    others : as those of `SGDClassifier`

    Attributes
    ----------
    coef_, intercept_, classes_, n_iter_, t_ : as those of `SGDClassifier`

    Examples
    --------
    >>> from homespun.linear_model import PassiveAggressiveClassifier
    >>> PassiveAggressiveClassifier(random_state=0).fit([[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1]).predict([[3.0]]).tolist()
    [1]
    """

    params = {"C": Real(low=0, open="low"), **COMMON, **STOPPING, "loss": OneOf("hinge", "squared_hinge"), "n_jobs": NJobs,
              "class_weight": CLASS_WEIGHT, **AVERAGED}

    def __init__(self, *, C=1.0, fit_intercept=True, max_iter=1000, tol=1e-3, early_stopping=False, validation_fraction=0.1,
                 n_iter_no_change=5, shuffle=True, verbose=0, loss="hinge", n_jobs=None, random_state=None, warm_start=False,
                 class_weight=None, average=False):
        self.C = C
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.verbose = verbose
        self.loss = loss
        self.n_jobs = n_jobs
        self.random_state = random_state
        self.warm_start = warm_start
        self.class_weight = class_weight
        self.average = average

    eta0 = property(lambda self: self.C)  # the steps' name for it
    learning_rate = property(lambda self: "pa1" if self.loss == "hinge" else "pa2")

    def _loss(self):
        return "hinge"


class PassiveAggressiveRegressor(RegressorMixin, SparseWeights, RegressionSteps):
    """Passive-aggressive regression: rows within `epsilon` change nothing, others move w just far enough.

    Parameters
    ----------
    C : float, default 1.0
        Longest step ("epsilon_insensitive"), or how soft it is ("squared_epsilon_insensitive").
    loss : {"epsilon_insensitive", "squared_epsilon_insensitive"}
        PA-I, PA-II.
    epsilon : float, default 0.1
        In the unit of y.
    others : as those of `SGDRegressor`

    Attributes
    ----------
    coef_, intercept_, n_iter_, t_ : as those of `SGDRegressor`

    Examples
    --------
    >>> from homespun.linear_model import PassiveAggressiveRegressor
    >>> model = PassiveAggressiveRegressor(random_state=0).fit([[-1.0], [0.0], [1.0]], [-1.0, 1.0, 3.0])
    >>> model.predict([[2.0]]).round(0).tolist()
    [5.0]
    """

    params = {"C": Real(low=0, open="low"), **COMMON, **STOPPING,
              "loss": OneOf("epsilon_insensitive", "squared_epsilon_insensitive"), "epsilon": Real(low=0), **AVERAGED}

    def __init__(self, *, C=1.0, fit_intercept=True, max_iter=1000, tol=1e-3, early_stopping=False, validation_fraction=0.1,
                 n_iter_no_change=5, shuffle=True, verbose=0, loss="epsilon_insensitive", epsilon=0.1, random_state=None,
                 warm_start=False, average=False):
        self.C = C
        self.fit_intercept = fit_intercept
        self.max_iter = max_iter
        self.tol = tol
        self.early_stopping = early_stopping
        self.validation_fraction = validation_fraction
        self.n_iter_no_change = n_iter_no_change
        self.shuffle = shuffle
        self.verbose = verbose
        self.loss = loss
        self.epsilon = epsilon
        self.random_state = random_state
        self.warm_start = warm_start
        self.average = average

    eta0 = property(lambda self: self.C)
    learning_rate = property(lambda self: "pa1" if self.loss == "epsilon_insensitive" else "pa2")

    def _loss(self):
        return "epsilon_insensitive"
