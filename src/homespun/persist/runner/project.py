"""A table's model: the raw columns are read by the recipes of the training data, then the pipeline works on them."""

import re
from datetime import datetime, timedelta

import numpy as np

from homespun.data.flags import flag_value, three_state
from homespun.data.missing import gone_words
from homespun.data.quantities import quantity_value
from homespun.persist.runner.core import part, run, size


@part
def project(spec, X):
    if not isinstance(X, dict):
        raise ValueError("rows must be dictionaries {column: value}, or a table with named columns")
    absent = [name for name in spec["recipes"] if name not in X]
    if absent:
        raise ValueError(f"columns are missing: {', '.join(map(repr, absent))}")
    typed = {}
    for name, recipe in spec["recipes"].items():
        typed.update(read_column(name, X[name], recipe))
    features = {name: np.asarray(typed[name], dtype=np.float64) for name in spec["numbers"]}
    features = {name: np.where(np.isinf(values), np.nan, values) for name, values in features.items()}
    features |= {name: typed[name] for name in spec["dates"]}
    count_ages(spec.get("ages"), features, typed)
    features |= {name: typed[name] for name in spec["words"]}
    answer = run(spec["model"], features if features else {"": np.zeros(size(X))})
    if spec["classes"] is not None:
        kind = object if any(isinstance(label, str) for label in spec["classes"]) else None
        answer["predict"] = np.array(spec["classes"], dtype=kind)[answer["predict"]]
    return answer


def count_ages(ages, features, typed):
    """Dates and years whose age counts, as on the reference day: see `homespun.tabular.ages`. No day but a row's own is known."""
    if not ages or not ages["columns"] or ages["moment"] not in typed:
        return
    reference = np.datetime64(ages["reference"], "D")
    own = np.asarray(typed[ages["moment"]], dtype=np.float64)
    own = np.where(np.isnan(own), reference.astype(np.int64), np.floor(own)).astype(np.int64)
    for name, kind in ages["columns"].items():
        if kind == "year":
            years = [day.astype("datetime64[Y]").astype(np.int64) for day in (reference, own.astype("datetime64[D]"))]
            features[name] = features[name] + (years[0] - years[1])
        else:
            features[name] = features[name] + (reference.astype(np.int64) - own)


def read_column(name, values, recipe):
    """Typed columns (name → array) of a raw one: numbers, days since 1970, or words with NaN for a missing one."""
    kind = recipe["kind"]
    if kind == "empty":
        return {name: np.full(len(values), np.nan)}
    if values.dtype.kind in "iufb":
        return from_numbers(name, values, recipe)
    if values.dtype.kind == "M":
        moments = values.astype("datetime64[us]")
        if kind == "date":
            return {name: np.where(np.isnat(moments), np.nan, moments.astype(np.int64) / 86_400_000_000.0)}
        values = np.array([None if np.isnat(moment) else str(moment) for moment in moments], dtype=object)
    texts = [None if value is None or value != value else text_of(value) for value in values.tolist()]
    distinct = list(dict.fromkeys(text for text in texts if text is not None))
    gone = gone_words(distinct, recipe) | set(recipe["words"] if kind == "date" else ())
    if kind == "text":
        return {name: np.array([np.nan if text is None or text in gone else text for text in texts], dtype=object)}
    read = {text: (np.nan, False) if text in gone else read_text(name, text, recipe) for text in distinct}
    read[None] = (np.nan, np.nan)
    found = {name: np.array([read[text][0] for text in texts], dtype=np.float64)}
    if kind == "number" and recipe["split"]:
        followed = [np.nan if text in gone else read[text][1] for text in texts]
        found[f"{name} ({recipe['split']})"] = np.array(followed, dtype=np.float64)
    return found


def read_text(name, text, recipe):
    """(number, whether the split word follows it) of one text."""
    if recipe["kind"] == "flag":
        value = flag_value(text, recipe)
    elif recipe["kind"] == "date":
        value = day_of(text, recipe["format"])
    else:
        pair = quantity_value(text, recipe)
        if pair is not None:
            return pair
        value = None
    if value is None:
        raise ValueError(f"column {name!r}: {text!r} is not written like the training data ({recipe['kind']})")
    return value, False


def day_of(text, form):
    """Days since 1970-01-01 of a date in one format, None if it is none."""
    if not re.search(r"(?<!\d)\d{4}(?!\d)", text):
        return None
    try:
        moment = datetime.strptime(text, form)
    except ValueError:
        return None
    if moment.tzinfo is not None:
        moment = moment.replace(tzinfo=None) - (moment.utcoffset() or timedelta(0))
    return float(np.datetime64(moment, "us").astype(np.int64)) / 86_400_000_000.0


def text_of(value):
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        value = int(value)  # 3.0 and "3" are the same category
    return str(value).strip()


def from_numbers(name, values, recipe):
    """A column that came as numbers."""
    numbers, kind = values.astype(np.float64), recipe["kind"]
    if kind == "text":
        words = [np.nan if number != number else text_of(value) for number, value in zip(numbers, values.tolist())]
        return {name: np.array(words, dtype=object)}
    if kind == "date":
        if not np.isnan(numbers).all():
            raise ValueError(f"column {name!r} holds numbers where dates such as {recipe['format']!r} are expected")
        return {name: numbers}
    if kind == "flag" and values.dtype.kind == "b":
        return {name: np.where(numbers == 1.0, 1.0, -1.0 if three_state(recipe) else 0.0)}
    found = {name: numbers}
    if kind == "number" and recipe["split"]:
        found[f"{name} ({recipe['split']})"] = np.where(np.isnan(numbers), np.nan, 0.0)
    return found
