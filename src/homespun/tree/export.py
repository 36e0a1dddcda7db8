"""A tree as text, one line for each condition, as scikit-learn's `export_text` prints it."""

from __future__ import annotations

import numpy as np

from homespun.base.errors import ParameterError, ShapeError
from homespun.base.estimator import check_is_fitted


def export_text(decision_tree, *, feature_names=None, class_names=None, max_depth=10, spacing=3, decimals=2,
                show_weights=False) -> str:
    """Conditions and leaves of a fitted decision tree.

    Parameters
    ----------
    decision_tree : DecisionTreeClassifier or DecisionTreeRegressor
    feature_names, class_names : list of str, optional
        Default: ``feature_0``, …, and the entries of ``classes_``.
    max_depth : int
        Below it, a branch is only counted.
    spacing : int
        Columns of indentation per level.
    decimals : int
    show_weights : bool
        Print the weight of each class in the leaves.

    Examples
    --------
    >>> from homespun.tree import DecisionTreeClassifier
    >>> print(export_text(DecisionTreeClassifier().fit([[1.0], [3.0]], ["no", "yes"])), end="")
    |--- feature_0 <= 2.00
    |   |--- class: no
    |--- feature_0 >  2.00
    |   |--- class: yes
    """
    check_is_fitted(decision_tree)
    for name, least, value in (("max_depth", 0, max_depth), ("spacing", 1, spacing), ("decimals", 0, decimals)):
        if not isinstance(value, (int, np.integer)) or value < least:
            raise ParameterError(f"export_text: {name} must be a whole number >= {least}, got {value!r}",
                                 operation="export_text", operands={name: value}, rule=f"{name} >= {least}")
    tree = decision_tree.tree_
    for name, given, needed in (("feature_names", feature_names, tree.n_features),
                                ("class_names", class_names, int(tree.n_classes[0]))):
        if given is not None and len(given) != needed:
            raise ShapeError(f"export_text: {name} must have {needed} entries, got {len(given)}",
                             operation="export_text", operands={name: (len(given),)}, rule=f"len({name}) == {needed}")
    names = [f"feature_{f}" for f in range(tree.n_features)] if feature_names is None else list(feature_names)
    is_classifier = hasattr(decision_tree, "classes_")
    if class_names is None and is_classifier and tree.n_outputs == 1:
        class_names = decision_tree.classes_
    lines = []

    def leaf(node, indent):
        value = tree.value[node, 0] if tree.n_outputs == 1 else tree.value[node].T
        text = ""
        if not is_classifier or show_weights:
            shown = value * tree.weighted_n_node_samples[node] if is_classifier else value
            label = "weights" if is_classifier else "value"
            text = f"{label}: [{', '.join(f'{number:.{decimals}f}' for number in np.ravel(shown))}]"
        if is_classifier and tree.n_outputs == 1:
            text += (" " if text else "") + f"class: {class_names[int(value.argmax())]}"
        lines.append(f"{indent} {text}")

    def below(node):
        if tree.children_left[node] < 0:
            return 0
        return 1 + max(below(tree.children_left[node]), below(tree.children_right[node]))

    pending: list[tuple[int, int, str | None]] = [(0, 0, None)]
    while pending:
        node, depth, condition = pending.pop()
        if condition is not None:
            lines.append(condition)
        indent = ("|" + " " * spacing) * depth + "|" + "-" * spacing
        if tree.children_left[node] < 0:
            leaf(node, indent)
        elif depth > max_depth:
            lines.append(f"{indent} truncated branch of depth {below(node) + 1}")
        else:
            name, threshold = names[tree.feature[node]], f"{tree.threshold[node]:.{decimals}f}"
            pending.append((tree.children_right[node], depth + 1, f"{indent} {name} >  {threshold}"))
            pending.append((tree.children_left[node], depth + 1, f"{indent} {name} <= {threshold}"))
    return "\n".join(lines) + "\n"
