"""Floor 4: pictures of models and of what they predict, with scikit-learn's `from_estimator`, `from_predictions` and `plot`.

matplotlib (extra `plot`) is imported when something is drawn, not before.
"""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "CalibrationDisplay": "curves",
    "ConfusionMatrixDisplay": "confusion",
    "DecisionBoundaryDisplay": "boundary",
    "DetCurveDisplay": "curves",
    "ElbowDisplay": "clusters",
    "KMeansStepsDisplay": "clusters",
    "LearningCurveDisplay": "learning",
    "PrecisionRecallDisplay": "curves",
    "PredictionErrorDisplay": "residuals",
    "RocCurveDisplay": "curves",
    "SilhouetteDisplay": "clusters",
    "ValidationCurveDisplay": "learning",
})
