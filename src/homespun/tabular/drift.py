"""Drift: how far the columns of fresh data are from those of the training data.

    PSI = sum over bins b of (q_b - p_b) log(q_b / p_b)      p: share of the training rows in bin b, q: of the fresh rows

Bins are the tenths of the training values (numbers, dates) or the 20 most frequent values and "other" (categories), and one
more for missing. Usual reading: below 0.1 nothing, 0.1 to 0.25 look at it, above 0.25 the column has moved.

Few fresh rows scatter: a PSI of 0.2 may be chance. So the same counts also go through the chi-squared test of two samples
(Press et al. 1992, Numerical Recipes, section 14.3, eq. 14.3.3), bins of few rows joined, and a column has only moved if
that says so, too, at a level shared out over the columns (Holm 1979):

    chi2 = sum over bins of (sqrt(N/M) m_b - sqrt(M/N) n_b)^2 / (n_b + m_b)        m_b of M training rows, n_b of N fresh ones
"""

from __future__ import annotations

import numpy as np

_FLOOR = 1e-4  # an empty bin counts as this share, or one new value would make the sum infinite
LEVEL = 0.01  # chance of calling anything moved where nothing has


def reference_of(frame, features) -> dict[str, dict]:
    """Plain data that `drift` compares with: bins and shares of each feature, and what a report shows of it."""
    return {name: _reference(frame[name]) for name in features}


def _reference(column) -> dict:
    missing = float(column.isna().mean())
    present = column[column.notna()]
    told = {"rows": len(column), "missing": missing, "distinct": int(present.nunique())}
    if column.dtype.kind in "iufM":
        values = _numbers(present)
        values = values[np.isfinite(values)]
        edges = np.unique(np.quantile(values, np.linspace(0.1, 0.9, 9))) if len(values) else np.zeros(0)
        shares = np.bincount(np.searchsorted(edges, values, side="left"), minlength=len(edges) + 1) / max(
            len(column), 1
        )
        if len(values):
            told |= {"min": float(values.min()), "max": float(values.max()), "mean": float(values.mean()),
                     "deviation": float(values.std()), "quartiles": np.quantile(values, [0.25, 0.5, 0.75]).tolist()}
        kind = "date" if column.dtype.kind == "M" else "number"
        return {"kind": kind, "edges": edges.tolist(), "shares": shares.tolist()} | told
    counts = present.astype(str).value_counts()
    known = sorted(counts.index.tolist(), key=lambda word: (-counts[word], word))[:20]
    known_shares = [float(counts[word]) / len(column) for word in known]
    return {
        "kind": "category",
        "values": known,
        "shares": known_shares + [max(0.0, 1.0 - missing - sum(known_shares))],
    } | told


def drift(frame, reference: dict[str, dict]) -> dict[str, list]:
    """Columns "column", "psi", "missing_before", "missing_now", "reading", "test", "p_value", "sentence"; largest PSI first."""
    rows = []
    for name, before in reference.items():
        column = frame[name]
        missing = float(column.isna().mean())
        present = column[column.notna()]
        if before["kind"] == "category":
            place = {value: i for i, value in enumerate(before["values"])}
            codes = np.array([place.get(str(value), len(place)) for value in present.tolist()], dtype=np.int64)
        else:
            codes = np.searchsorted(np.array(before["edges"]), _numbers(present), side="left")
        now = np.bincount(codes, minlength=len(before["shares"])) / max(len(column), 1)
        shares, fresh = np.append(before["shares"], before["missing"]), np.append(now, missing)
        p, q = np.maximum(shares, _FLOOR), np.maximum(fresh, _FLOOR)
        psi = float(((q - p) * np.log(q / p)).sum())
        p_value = two_sample_chi2(shares * before["rows"], fresh * len(column))
        rows.append([name, psi, before["missing"], missing, "", "chi-squared", p_value, ""])
    certain = _holm([row[6] for row in rows])
    for row, sure in zip(rows, certain):
        row[4] = "steady" if row[1] <= 0.1 or not sure else "moved" if row[1] > 0.25 else "look"
        row[7] = _sentence(row[0], frame[row[0]], reference[row[0]], row[1], row[6], row[4])
    rows.sort(key=lambda row: -row[1])
    keys = ("column", "psi", "missing_before", "missing_now", "reading", "test", "p_value", "sentence")
    return {key: [row[i] for row in rows] for i, key in enumerate(keys)}


def two_sample_chi2(before, now) -> float:
    """p-value of "both counts come from the same shares"; bins that hold fewer than ten rows of both are joined."""
    from scipy.stats import chi2

    before, now = np.rint(before), np.rint(now)
    small = before + now < 10
    if small.any():
        before = np.append(before[~small], before[small].sum())
        now = np.append(now[~small], now[small].sum())
    there = before + now > 0
    before, now = before[there], now[there]
    total, fresh = before.sum(), now.sum()
    if len(before) < 2 or total == 0 or fresh == 0:
        return 1.0
    statistic = ((np.sqrt(fresh / total) * before - np.sqrt(total / fresh) * now) ** 2 / (before + now)).sum()
    return float(chi2.sf(statistic, len(before) - 1))


def _holm(p_values) -> list[bool]:
    """Which of the tests are certain when all of them together may be wrong with probability LEVEL."""
    order = np.argsort(p_values, kind="stable")
    certain = [False] * len(p_values)
    for rank, place in enumerate(order):
        if p_values[place] > LEVEL / (len(p_values) - rank):
            break
        certain[place] = True
    return certain


def _sentence(name, column, before, psi, p_value, reading) -> str:
    """What happened to a column, in words."""
    if reading == "steady":
        return f"{name} is as it was (PSI {psi:.2f})"
    verb = "has moved" if reading == "moved" else "may be moving"
    chance = "p < 0.001" if p_value < 0.001 else f"p = {p_value:.3f}"
    missing = float(column.isna().mean())
    said = []
    present = column[column.notna()]
    if before["kind"] == "category":
        known = set(before["values"])
        words = present.astype(str)
        new = words[~words.isin(known)].value_counts().index.tolist() if before["distinct"] <= 20 else []
        if new:
            said.append(f"{len(new)} new value{'s' if len(new) > 1 else ''}, such as {new[0]!r}")
        elif len(words):
            shares = words.value_counts(normalize=True) * (1.0 - missing)
            changes = {word: float(shares.get(word, 0.0)) - share for word, share in zip(before["values"], before["shares"])}
            most = max(changes, key=lambda word: abs(changes[word]))
            share = before["shares"][before["values"].index(most)]
            said.append(f"{most!r} went from {share:.0%} to {share + changes[most]:.0%} of the rows")
    elif len(present) and "quartiles" in before:
        middle, old = float(np.median(_numbers(present))), before["quartiles"][1]
        if before["kind"] == "date":
            day = [str(np.datetime64(int(value), "us"))[:10] for value in (old, middle)]
            said.append(f"its median went from {day[0]} to {day[1]}")
        else:
            said.append(f"its median went from {old:.6g} to {middle:.6g}")
    if abs(missing - before["missing"]) > 0.02:
        said.append(f"missing in {before['missing']:.0%} of the rows before, in {missing:.0%} now")
    return f"{name} {verb} (PSI {psi:.2f}, {chance})" + (f": {'; '.join(said)}" if said else "")


def _numbers(column) -> np.ndarray:
    values = column.to_numpy()
    return values.astype("datetime64[us]").astype(np.float64) if values.dtype.kind == "M" else values.astype(np.float64)
