"""Specs of what makes numbers of categories, dates and flags."""

from __future__ import annotations

import numpy as np

from homespun.persist.specs.registry import exports, plain


@exports("homespun.preprocessing.OneHotEncoder")
def _one_hot(model, where):
    widths = model._widths()
    offsets = np.concatenate([[0], np.cumsum(widths)])[:-1]
    tables, unknown = [], []
    for j, codes in enumerate(_codes(model)):
        group, dropped = model._group_of[j], model._dropped[j]
        rare = -1 if group is None or model.handle_unknown not in ("infrequent_if_exist", "warn") else int(group.max())
        codes = np.append(codes, rare)
        if dropped is not None:
            codes = np.where(codes == dropped, -1, codes - (codes > dropped))
        columns = np.where(codes < 0, -1, codes + offsets[j])
        tables.append(columns[:-1])
        unknown.append(int(columns[-1]))
    return {
        "run": "one_hot",
        "categories": list(model.categories_),
        "tables": tables,
        "width": int(sum(widths)),
        "dtype": np.dtype(model.dtype).str,
        "unknown": "error" if model.handle_unknown == "error" else unknown,
    }


@exports("homespun.preprocessing.OrdinalEncoder")
def _ordinal(model, where):
    tables = []
    for categories, codes in zip(model.categories_, _codes(model)):
        table = codes.astype(np.float64)
        if len(categories) and isinstance(categories[-1], (float, np.floating)) and categories[-1] != categories[-1]:
            table[-1] = model.encoded_missing_value
        tables.append(table)
    unknown = model.unknown_value if model.handle_unknown == "use_encoded_value" else "error"
    return {
        "run": "ordinal",
        "categories": list(model.categories_),
        "tables": tables,
        "dtype": np.dtype(model.dtype).str,
        "unknown": plain(unknown),
    }


@exports("homespun.preprocessing.TargetEncoder")
def _target_encoder(model, where):
    means = np.atleast_1d(model.target_mean_)
    tables = [np.column_stack(model.encodings_[j * len(means) : (j + 1) * len(means)]) for j in range(len(model.categories_))]
    return {"run": "target_means", "categories": list(model.categories_), "tables": tables, "unknown": means}


def _codes(model) -> list[np.ndarray]:
    """For each column the output code of each of its categories, by the encoder's own rule."""
    codes = []
    for j, categories in enumerate(model.categories_):
        indices = np.zeros((len(categories), len(model.categories_)), dtype=np.int64)
        indices[:, j] = np.arange(len(categories))
        codes.append(model._grouped(indices)[:, j])
    return codes


@exports("homespun.preprocessing.DateParts")
def _date_parts(model, where):
    return {"run": "date_parts", "parts": list(model.parts), "reference": model.reference_}


@exports("homespun.preprocessing.FlagEncoder")
def _flag_encoder(model, where):
    from homespun.data.missing import MISSING
    from homespun.preprocessing.flag_encoder import _VALUES

    return {
        "run": "flags",
        "values": dict(_VALUES),
        "missing": sorted(MISSING),
        "strict": model.handle_unknown == "error",
    }



@exports("homespun.preprocessing.RareLevelEncoder")
def _rare_levels(model, where):
    kept: list = []
    for categories, group in zip(model.categories_, model._group_of):
        if categories.dtype.kind in "iufb":
            kept.append(None)
        else:
            common = np.ones(len(categories), dtype=bool) if group is None else group[: len(categories)] != group.max()
            kept.append(categories[common])
    known = [None if kept_ is None else categories for kept_, categories in zip(kept, model.categories_)]
    return {"run": "rare_levels", "kept": kept, "known": known, "other": list(model.other_), "missing": list(model.missing_),
            "strict": model.handle_unknown == "error"}
