"""Drift: how far the columns of fresh data are from those of the training data.

    PSI = sum over bins b of (q_b - p_b) log(q_b / p_b)      p: share of the training rows in bin b, q: of the fresh rows

Bins are the tenths of the training values (numbers, dates) or the 20 most frequent values and "other" (categories), and one
more for missing. Usual reading: below 0.1 nothing, 0.1 to 0.25 look at it, above 0.25 the column has moved.
"""

from __future__ import annotations

import numpy as np

_FLOOR = 1e-4  # an empty bin counts as this share, or one new value would make the sum infinite


def reference_of(frame, features) -> dict[str, dict]:
    """Plain data that `drift` compares with: bins and shares of each feature."""
    return {name: _reference(frame[name]) for name in features}


def _reference(column) -> dict:
    missing = float(column.isna().mean())
    present = column[column.notna()]
    if column.dtype.kind in "iufM":
        values = _numbers(present)
        edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9))) if len(values) else np.zeros(0)
        shares = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / max(
            len(column), 1
        )
        return {"kind": "number", "edges": edges.tolist(), "shares": shares.tolist(), "missing": missing}
    counts = present.astype(str).value_counts()
    known = counts.index[:20].tolist()
    known_shares = [float(counts[word]) / len(column) for word in known]
    return {
        "kind": "category",
        "values": known,
        "shares": known_shares + [max(0.0, 1.0 - missing - sum(known_shares))],
        "missing": missing,
    }


def drift(frame, reference: dict[str, dict]) -> dict[str, list]:
    """Columns "column", "psi", "missing_before", "missing_now", "reading", the largest PSI first."""
    rows = []
    for name, before in reference.items():
        column = frame[name]
        missing = float(column.isna().mean())
        present = column[column.notna()]
        if before["kind"] == "number":
            codes = np.searchsorted(np.array(before["edges"]), _numbers(present), side="left")
        else:
            place = {value: i for i, value in enumerate(before["values"])}
            codes = np.array([place.get(str(value), len(place)) for value in present.tolist()], dtype=np.int64)
        now = np.bincount(codes, minlength=len(before["shares"])) / max(len(column), 1)
        p = np.maximum(np.append(before["shares"], before["missing"]), _FLOOR)
        q = np.maximum(np.append(now, missing), _FLOOR)
        psi = float(((q - p) * np.log(q / p)).sum())
        rows.append(
            (name, psi, before["missing"], missing, "moved" if psi > 0.25 else "look" if psi > 0.1 else "steady")
        )
    rows.sort(key=lambda row: -row[1])
    return {
        key: [row[i] for row in rows]
        for i, key in enumerate(("column", "psi", "missing_before", "missing_now", "reading"))
    }


def _numbers(column) -> np.ndarray:
    values = column.to_numpy()
    return values.astype("datetime64[us]").astype(np.float64) if values.dtype.kind == "M" else values.astype(np.float64)
