"""What each family of models is given: columns of the plan in, one matrix of numbers out. Fitted inside each fold.

linear family   numbers and dates: median, scaled, with marks of what was missing    categories: one-hot
least squares   the same, but one level of each category is dropped: with all of them the columns sum to the intercept's,
                and without a penalty no one solution is better than the others (the dummy-variable trap)
forest          numbers: median, with marks    categories: by number
boosting        numbers as they are    categories: as such: it splits them into two sets by their gradients
all of them     levels with few rows are one, and unseen ones go there, if that has rows enough to tell a price; else both are
                the most frequent level (`RareLevelEncoder`): a group of one luxury car would price all unseen makes.
                categories with many levels also as the mean target of their rows, cross-fitted: a level with few rows
                says too little for a column, or a split, of its own; where such levels are made of several words ("[Rice,
                Black Beans, Cheese]"), also as the words that go with the target (`text_terms`)
"""

from __future__ import annotations

from typing import Any

import numpy as np

FEW_TERMS, MANY_TERMS = 30, 100  # words of a column: for trees, which are slower with more and not better; for linear models
ENOUGH, MANY = 5, 50  # rows that a level needs to be believed; that the rare levels need together to speak for unseen ones
MANY_LEVELS = 20  # with more, the mean target is added
MOMENT = ("year", "month", "weekday", "age")  # parts of the day of a row
SINCE = ("year", "age")  # of a day whose age counts: it moves with the day that is asked about, and its month says nothing
MOST_CLASSES = 10  # it makes one column for each class: with more of those, too many


def prepare(plan, preparation: str, *, classes: int | None = None, random_state=0):
    """The preprocessors of a plan for one of "none", "one-hot", "one level dropped", "ordinal", "native".

    `classes`: their number, None for a regression.
    """
    from sklearn.compose import ColumnTransformer
    from sklearn.pipeline import Pipeline

    from homespun.impute import SimpleImputer
    from homespun.preprocessing import DateParts, OneHotEncoder, OrdinalEncoder, RareLevelEncoder, StandardScaler, TargetEncoder

    def fill(scaled):
        steps: list[tuple[str, Any]] = [
            ("fill", SimpleImputer(strategy="median", add_indicator=True, keep_empty_features=True))
        ]
        return steps + ([("scale", StandardScaler())] if scaled else [])

    def levels(max_categories=None, handle_missing="frequent"):
        return RareLevelEncoder(
            min_frequency=ENOUGH, group_frequency=MANY, max_categories=max_categories, handle_missing=handle_missing
        )

    dates = [("parts", DateParts(parts=MOMENT))]
    since = [("parts", DateParts(parts=SINCE, reference=plan.ages.get("reference")))]
    if preparation in ("none", "one-hot", "one level dropped"):
        numbers, dates, since = Pipeline(fill(True)), Pipeline(dates + fill(True)), Pipeline(since + fill(True))
        drop = "first" if preparation == "one level dropped" else None
        onehot = OneHotEncoder(handle_unknown="ignore", drop=drop, sparse_output=False)
        categories = Pipeline([("levels", levels(max_categories=100)), ("columns", onehot)])
    elif preparation == "ordinal":
        numbers, dates, since = Pipeline(fill(False)), Pipeline(dates + fill(False)), Pipeline(since + fill(False))
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1, encoded_missing_value=-2)
        categories = Pipeline([("levels", levels()), ("codes", codes)])
    else:
        numbers, dates, since = "passthrough", Pipeline(dates), Pipeline(since)
        codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=np.nan, encoded_missing_value=np.nan)
        # boosting has a way of its own for a missing value that the training rows did not have: to the larger side
        categories = Pipeline([("levels", levels(max_categories=250, handle_missing="keep")), ("codes", codes)])
    parts = [
        ("numbers", numbers, plan.numbers),
        ("dates", dates, plan.moments),
        ("ages", since, plan.since),
        ("categories", categories, plan.categories),
    ]
    if preparation != "none" and plan.many_levels and (classes is None or classes <= MOST_CLASSES):
        kind = "continuous" if classes is None else "binary" if classes == 2 else "multiclass"
        means: Any = TargetEncoder(target_type=kind, random_state=random_state)
        if "one" in preparation:
            means = Pipeline([("means", means), ("scale", StandardScaler())])
        parts.append(("means", means, plan.many_levels))
    if preparation != "none":
        from homespun.tabular.text_terms import TextTerms

        most = MANY_TERMS if "one" in preparation else FEW_TERMS
        parts += [(f"terms {place}", TextTerms(most=most), [name]) for place, name in enumerate(plan.wordy)]
    return ColumnTransformer([part for part in parts if part[2]], sparse_threshold=0.0)


def native_categories(plan) -> list[int]:
    """Positions of the categories in the matrix of the "native" preparation."""
    start = len(plan.numbers) + len(MOMENT) * len(plan.moments) + len(SINCE) * len(plan.since)
    return list(range(start, start + len(plan.categories)))
