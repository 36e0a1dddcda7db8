"""Specs of selectors: the numbers of the columns that stay."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import exports


@exports(
    *(
        f"homespun.feature_selection.{name}"
        for name in (
            "CollinearityDetector", "DropConstantColumns", "DropDuplicateColumns", "DropFreeText", "DropMissingColumns",
            "GenericUnivariateSelect", "SelectFdr", "SelectFpr", "SelectFromModel", "SelectFwe", "SelectKBest",
            "SelectPercentile", "VarianceThreshold",
        )
    )
)
def _selector(model, where):
    return {"run": "chosen", "columns": np.flatnonzero(model.get_support())}
