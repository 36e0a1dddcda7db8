"""Floor 3: naive Bayes. Features count as independent within a class; each file is one kind of feature."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "BernoulliNB": "bernoulli",
    "CategoricalNB": "categorical",
    "ComplementNB": "complement",
    "GaussianNB": "gaussian",
    "MultinomialNB": "multinomial",
})
