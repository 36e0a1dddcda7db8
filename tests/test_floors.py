"""A package imports only from floors below it: the house of ARCHITECTURE.md, kept by reading the imports."""

import ast
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src" / "homespun"

FLOORS = [
    {"base", "errors"},
    {"kernels"},
    {"metrics", "autograd", "data", "datasets"},
    {"preprocessing", "impute", "feature_selection", "feature_extraction", "compose", "linear_model", "svm",
     "kernel_approximation", "kernel_ridge", "neighbors",
     "naive_bayes", "discriminant_analysis", "tree", "ensemble", "cluster", "mixture", "decomposition", "manifold", "calibration",
     "model_selection", "nn", "optim"},
    {"training", "persist", "explain", "plot", "testing", "drop_in"},
    {"neural_network", "vision", "text", "language", "search", "recommend", "reinforce", "graph"},
    {"tabular", "report"},
    {"serve", "cli", "__main__"},
]
FLOOR = {package: number for number, packages in enumerate(FLOORS) for package in packages}
AGREED = {  # within a floor
    ("errors", "base"), ("ensemble", "tree"), ("testing", "persist"),
    ("tabular", "report"), ("cli", "serve"), ("manifold", "neighbors"),
    ("feature_selection", "preprocessing"), ("svm", "linear_model"), ("compose", "linear_model"), ("compose", "preprocessing"),
}


def imported_packages(path, source=SOURCE):
    """Top-level homespun packages that the file at `path` imports, with line numbers."""
    here = ["homespun", *path.relative_to(source).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = here[:len(here) + 1 - node.level] if node.level else []  # one dot is the package that the file lies in
            module = ".".join([*package, *([node.module] if node.module else [])])
            names = [f"{module}.{alias.name}" if module == "homespun" else module for alias in node.names]
        else:
            continue
        for name in names:
            if name.startswith("homespun."):
                yield name.split(".")[1], node.lineno


def source_files():
    return [path for path in sorted(SOURCE.rglob("*.py")) if path.relative_to(SOURCE).parts != ("__init__.py",)]


@pytest.mark.parametrize("path", source_files(), ids=lambda path: str(path.relative_to(SOURCE)))
def test_imports_go_down(path):
    here = path.relative_to(SOURCE).parts[0].removesuffix(".py")
    assert here in FLOOR, f"{here} has no floor: add it to ARCHITECTURE.md and to this test"
    for package, line in imported_packages(path):
        allowed = package == here or FLOOR.get(package, -1) < FLOOR[here] or (here, package) in AGREED
        assert package not in FLOOR or allowed, f"{path.relative_to(SOURCE)}:{line} imports {package} (floor {FLOOR[package]})"


def test_the_check_sees_an_upward_import(tmp_path):
    bad = tmp_path / "bad.py"
    bad.write_text("from homespun import cli\nfrom homespun.serve import x\nimport homespun.tree.cart\n")
    assert [package for package, _ in imported_packages(bad, tmp_path)] == ["cli", "serve", "tree"]


def test_the_check_sees_a_relative_import(tmp_path):
    bad = tmp_path / "ensemble" / "boosting" / "bad.py"
    bad.parent.mkdir(parents=True)
    bad.write_text("from . import grower\nfrom .grower import grow\nfrom .. import forest\nfrom ...cli import app\n"
                   "from ... import serve\nfrom ...tabular.fit import fit\n")
    found = [package for package, _ in imported_packages(bad, tmp_path)]
    assert found == ["ensemble", "ensemble", "ensemble", "cli", "serve", "tabular"]


def test_base_needs_only_numpy():
    for path in sorted((SOURCE / "base").glob("*.py")):
        if path.name == "estimator.py":
            continue
        tree = ast.parse(path.read_text())
        top_level = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
        for node in top_level:
            module = node.module if isinstance(node, ast.ImportFrom) else node.names[0].name
            root = (module or "").split(".")[0]
            assert root not in {"sklearn", "scipy", "numba", "pandas", "tqdm"}, f"base/{path.name} imports {root}"
