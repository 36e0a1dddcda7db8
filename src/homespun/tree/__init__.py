"""Decision trees (CART): the learner (`cart`), the grown tree (`structure`), its picture in text (`export`)."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "DecisionTreeClassifier": "cart",
    "DecisionTreeRegressor": "cart",
    "Tree": "structure",
    "export_text": "export",
})
