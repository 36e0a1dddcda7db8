"""Trees, forests and boosted trees: all rows walk down level by level."""

import numpy as np

from homespun.persist.runner.core import columns_of, floats, matrix, part
from homespun.persist.runner.linear import expit, softmax


def leaves_of(tree, X):
    """The leaf of each row. Left where x <= threshold, or where x is missing and the node sends missing values left."""
    nodes, rows = np.zeros(len(X), dtype=np.int64), np.arange(len(X))
    while rows.size:
        at = nodes[rows]
        x = X[rows, tree["feature"][at]]
        left = (x <= tree["threshold"][at]) | (np.isnan(x) & (tree["missing_left"][at] == 1))
        nodes[rows] = np.where(left, tree["left"][at], tree["right"][at])
        rows = rows[tree["left"][nodes[rows]] >= 0]
    return nodes


@part
def tree(spec, X):
    X = matrix(X).astype(np.float64)
    nodes = leaves_of(spec, X) if spec["left"][0] >= 0 else np.zeros(len(X), dtype=np.int64)
    return answers(spec, spec["value"][nodes])


def answers(spec, values):
    """Values of the leaves (n, outputs, classes) → predictions."""
    if "classes" not in spec:
        return {"predict": values[:, 0, 0] if values.shape[1] == 1 else values[:, :, 0]}
    if len(spec["classes"]) == 1:
        shares = values[:, 0, : len(spec["classes"][0])]
        return {"predict": spec["classes"][0][shares.argmax(axis=1)], "predict_proba": shares}
    shares = [values[:, output, : len(names)] for output, names in enumerate(spec["classes"])]
    chosen = [names[one.argmax(axis=1)] for names, one in zip(spec["classes"], shares)]
    return {"predict": np.column_stack(chosen), "predict_proba": shares}


# -- histogram gradient boosting: X as codes, one byte for each value; 255 is missing ---------------------------------------


def codes_of(spec, X):
    """Number of edges below each value: (d, n)."""
    if spec["categories"] is None:
        X = matrix(X)
        X = X.astype(np.result_type(X.dtype, spec["edges"].dtype))
        found = [X[:, j] for j in range(X.shape[1])]
    else:
        found = []
        for values, known in zip(columns_of(X), spec["categories"]):
            if known is None:
                found.append(floats(values, np.float64))
            else:
                place = {value: float(code) for code, value in enumerate(known)}
                found.append(np.array([place.get(value, np.nan) for value in values.tolist()], dtype=np.float64))
    edges = spec["edges"].astype(found[0].dtype)
    return np.stack([np.where(np.isnan(x), 255, np.searchsorted(e, x)) for x, e in zip(found, edges)])


@part
def forest(spec, X):
    """The mean of the trees. A node is one number: 32 bits left child, 23 feature, 1 side of missing values, 8 cut."""
    codes, words = codes_of(spec, X), spec["words"]
    total = np.zeros((codes.shape[1], spec["values"].shape[1]))
    for root in spec["roots"]:
        nodes, rows = np.full(len(total), root), np.arange(len(total))
        while rows.size:
            word = words[nodes[rows]]
            rows, word = rows[word != 0], word[word != 0]  # 0 is a leaf
            code = codes[(word >> 9) & 0x7FFFFF, rows].astype(np.int64)
            nodes[rows] = (word >> 32) + ((code + ((word >> 8) & 1)) % 256 > (word & 255))
        total += spec["values"][nodes]
    means = total / len(spec["roots"])
    if "classes" not in spec:
        return {"predict": means[:, 0] if means.shape[1] == 1 else means}
    if len(spec["classes"]) == 1:
        names = spec["classes"][0]
        shares = np.hstack([1 - means, means])[:, : len(names)] if means.shape[1] == 1 else means
        return {"predict": names[shares.argmax(axis=1)], "predict_proba": shares}
    several = np.split(means, np.cumsum([len(names) for names in spec["classes"]])[:-1], axis=1)
    chosen = [names[one.argmax(axis=1)] for names, one in zip(spec["classes"], several)]
    return {"predict": np.column_stack(chosen), "predict_proba": several}


@part
def boosting(spec, X):
    codes, start = codes_of(spec, X), spec["start"]
    raw = np.empty((len(spec["baseline"]), codes.shape[1]))
    raw[:] = spec["baseline"][:, None]
    for t in np.concatenate([spec["followed"], spec["walked"]]):  # in the order of the fast kernels: the same bits
        raw[t % len(raw)] += boosted_tree(spec, codes, start[t])
    if "classes" not in spec:
        return {"predict": np.exp(raw[0]) if spec["loss"] in ("poisson", "gamma") else raw[0]}
    classes = spec["classes"]
    if len(classes) == 1:
        return {"predict": np.repeat(classes, raw.shape[1]), "predict_proba": np.ones((raw.shape[1], 1))}
    if len(raw) == 1:
        shares = np.stack([expit(-raw[0]), expit(raw[0])], axis=1)
        return {"predict": classes[(raw[0] > 0).astype(np.int64)], "predict_proba": shares}
    return {"predict": classes[raw.argmax(axis=0)], "predict_proba": softmax(raw.T)}


def boosted_tree(spec, codes, root):
    """Value of the leaf of each row, in the tree that begins at node `root`."""
    nodes, rows = np.full(codes.shape[1], root), np.arange(codes.shape[1])
    rows = rows[spec["left"][nodes] >= 0]
    while rows.size:
        at = nodes[rows]
        code, chosen = codes[spec["feature"][at], rows], spec["set_index"][at]
        left = np.where(code == 255, spec["missing_left"][at] > 0, code <= spec["bin"][at])
        if len(spec["sets"]):
            left = np.where(chosen >= 0, spec["sets"][chosen, code] > 0, left)
        nodes[rows] = np.where(left, spec["left"][at], spec["right"][at])
        rows = rows[spec["left"][nodes[rows]] >= 0]
    return spec["value"][nodes]
