"""What a model file may name: our classes and functions, scikit-learn's plumbing, NumPy's functions, pinned own code.

A file holds names, never code, and a name is looked up in this list before anything is imported. So loading cannot be
led to `os.system`: the module is not in the list, and a name that a listed module merely imported is refused, too.

A custom class (``my_model.py:MyModel``) is stored with the source text of its file and the SHA-256 of that text.
Loading asks for the file itself, ``allow_code="my_model.py"``, and runs it only if its hash is the stored one: the text
in the model file is there to be read and to be recovered, it is never run.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.abc
import importlib.util
import os
import sys
import sysconfig
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError, did_you_mean

# Packages of ours that have doors to the outside: no model is made of their classes.
DOORS = {"cli", "serve", "persist", "drop_in", "kernels", "report", "testing", "plot"}
# Packages whose functions a model may hold. They compute. Others open files, or run code that a file names, and a model
# that holds one would call it with what the self-test's rows say.
COMPUTING = {
    "autograd",
    "calibration",
    "cluster",
    "decomposition",
    "discriminant_analysis",
    "ensemble",
    "feature_extraction",
    "feature_selection",
    "impute",
    "kernel_approximation",
    "kernel_ridge",
    "linear_model",
    "manifold",
    "metrics",
    "mixture",
    "model_selection",
    "naive_bayes",
    "neighbors",
    "nn",
    "optim",
    "preprocessing",
    "svm",
    "tree",
}

# scikit-learn's plumbing and its preprocessors written in plain Python: public module → names. All hold their state in
# attributes. Its algorithms are not here: their state lies in Cython objects that only pickle can write; use ours.
SKLEARN = {
    "sklearn.pipeline": "Pipeline FeatureUnion",
    "sklearn.compose": "ColumnTransformer TransformedTargetRegressor make_column_selector",
    "sklearn.frozen": "FrozenEstimator",
    "sklearn.calibration": "CalibratedClassifierCV _CalibratedClassifier _SigmoidCalibration",
    "sklearn.dummy": "DummyClassifier DummyRegressor",
    "sklearn.isotonic": "IsotonicRegression",
    "sklearn.ensemble": "VotingClassifier VotingRegressor StackingClassifier StackingRegressor BaggingClassifier "
    "BaggingRegressor AdaBoostClassifier AdaBoostRegressor",
    "sklearn.model_selection": "GridSearchCV RandomizedSearchCV KFold StratifiedKFold GroupKFold StratifiedGroupKFold "
    "ShuffleSplit StratifiedShuffleSplit TimeSeriesSplit RepeatedKFold RepeatedStratifiedKFold "
    "FixedThresholdClassifier TunedThresholdClassifierCV",
    "sklearn.multiclass": "OneVsRestClassifier OneVsOneClassifier OutputCodeClassifier _ConstantPredictor",
    "sklearn.multioutput": "MultiOutputClassifier MultiOutputRegressor ClassifierChain RegressorChain",
    "sklearn.feature_selection": "SelectFromModel RFE RFECV SequentialFeatureSelector VarianceThreshold SelectKBest "
    "SelectPercentile SelectFpr SelectFdr SelectFwe GenericUnivariateSelect",
    "sklearn.preprocessing": "Binarizer FunctionTransformer KBinsDiscretizer KernelCenterer LabelBinarizer "
    "LabelEncoder MaxAbsScaler MinMaxScaler MultiLabelBinarizer Normalizer OneHotEncoder OrdinalEncoder "
    "PolynomialFeatures PowerTransformer QuantileTransformer RobustScaler SplineTransformer "
    "StandardScaler TargetEncoder",
    "sklearn.impute": "SimpleImputer MissingIndicator",
    "sklearn.decomposition": "PCA TruncatedSVD",
    "sklearn.feature_extraction": "DictVectorizer FeatureHasher",
    "sklearn.feature_extraction.text": "CountVectorizer HashingVectorizer TfidfTransformer TfidfVectorizer",
    "sklearn.utils": "Bunch",
    "sklearn.utils._metadata_requests": "MetadataRequest MethodMetadataRequest",
    "sklearn.metrics._scorer": "_Scorer _PassthroughScorer _MultimetricScorer",
}
SKLEARN_FUNCTIONS = ("sklearn.metrics", "sklearn.feature_selection", "sklearn.metrics.pairwise")
READ_TEXTS = ("sklearn.feature_extraction.text", "homespun.feature_extraction.text")  # modules of vectorizers
NUMPY_FUNCTIONS = ("numpy", "scipy.special")  # their ufuncs: log1p, expit, …
BUILTIN_TYPES = {cls.__name__: cls for cls in (bool, int, float, complex, str, bytes, object, list, tuple, dict, set)}


def refuse_input(value: Any, operation: str) -> None:
    """A text vectorizer reads texts: with input="filename" it would open whatever file the self-test's rows name."""
    if not any(cls.__module__.startswith(READ_TEXTS) for cls in type(value).__mro__):
        return
    found = getattr(value, "input", "content")
    if not (isinstance(found, str) and found == "content"):
        name = type(value).__name__
        raise ModelFileError(
            f'cannot {operation} a {name} with input={found!r}: it opens the files that its rows name; only input="content" '
            "can be in a model file (read the files first, and give their texts)",
            operation=operation,
            operands={"input": found},
            rule='input == "content"',
            where=f"{name}.input",
            suggestion='input="content"',
        )


def refuse_state(cls: type, state: dict[str, Any]) -> None:
    """A state holds data: no special name, and no stand-in for a method of ours, which would go round its checks."""
    for name in state:
        ours = next((parent for parent in cls.__mro__ if name in vars(parent)), object)
        hides = isinstance(vars(ours).get(name), FunctionType) and ours.__module__.startswith("homespun.")
        if hides or (name.startswith("__") and name.endswith("__")):
            raise ModelFileError(
                f"the {cls.__name__} in the model file is damaged or forged: its state sets {name!r}, "
                + ("a method" if hides else "a special name"),
                operation="load",
                operands={"name": name},
                rule="a state holds attributes",
                where=f"{cls.__name__}.{name}",
            )


class Names:
    """Objects ↔ names for one file: what may be named, and the custom code that comes with it.

    `code` maps the file name of custom code to ``{"sha256", "source"}``; saving fills it, loading checks against it.
    """

    def __init__(self, code: dict[str, dict[str, str]] | None = None, allow_code=None):
        self.code = code if code is not None else {}
        self._modules: dict[str, ModuleType] = {}
        self._allowed = (
            [] if allow_code is None else [allow_code] if isinstance(allow_code, (str, os.PathLike)) else list(allow_code)
        )

    # -- saving --------------------------------------------------------------------------------------------------------

    def of(self, thing: Any) -> str | None:
        """The name of a class or function, None if a file may not name it."""
        if isinstance(thing, np.ufunc):
            word = thing.__name__
            homes = (home for home in NUMPY_FUNCTIONS if getattr(importlib.import_module(home), word, None) is thing)
            return next((f"{home}:{word}" for home in homes), None)
        module, name = getattr(thing, "__module__", None), getattr(thing, "__qualname__", None)
        if not isinstance(module, str) or not isinstance(name, str) or "<" in name:  # <lambda>, <locals>
            return None
        if isinstance(thing, type) and BUILTIN_TYPES.get(name) is thing:
            return f"builtins:{name}"
        if isinstance(thing, type) and issubclass(thing, np.generic) and module == "numpy":
            return f"numpy:{name}"
        root = module.partition(".")[0]
        if root == "homespun":
            return f"{module}:{name}" if _our_package(module) and _ours(sys.modules[module], name, module) is thing else None
        if root == "sklearn":
            return _sklearn_name(thing, name)
        return self._custom_name(thing, module, name)

    def _custom_name(self, thing, module: str, name: str) -> str | None:
        path = _source_file(thing)
        if path is None or "." in module or not path.is_file() or _installed(path):
            return None  # part of a package: its one file would not run alone
        if module in sys.modules and _defined(sys.modules[module], name, module) is not thing:
            return None  # made by code, not by a line of the file
        loader = getattr(getattr(sys.modules.get(module), "__spec__", None), "loader", None)
        source = loader.source if isinstance(loader, _SourceInHand) else path.read_bytes()  # the file may have changed since
        digest = hashlib.sha256(source).hexdigest()
        known = self.code.setdefault(path.name, {"sha256": digest, "source": source.decode("utf-8", "replace")})
        return f"code:{path.name}:{name}" if known["sha256"] == digest else None

    # -- loading -------------------------------------------------------------------------------------------------------

    def find(self, name: str) -> Any:
        """The class or function of a name; a ModelFileError if the list does not have it."""
        home, _, rest = name.partition(":")
        if home == "builtins" and rest in BUILTIN_TYPES:
            return BUILTIN_TYPES[rest]
        if home == "numpy" and isinstance(getattr(np, rest, None), type) and issubclass(getattr(np, rest), np.generic):
            return getattr(np, rest)
        if home in NUMPY_FUNCTIONS:
            found = getattr(importlib.import_module(home), rest, None)
            if isinstance(found, np.ufunc):
                return found
        elif home == "code":
            file, _, attribute = rest.partition(":")
            module = self._custom_module(file)
            return _defined(module, attribute, module.__name__) or _refuse(name, f"{file} defines no {attribute}")
        elif home in SKLEARN and rest in SKLEARN[home].split():
            return getattr(importlib.import_module(home), rest)
        elif home in SKLEARN_FUNCTIONS:
            found = _sklearn_function(home, rest)
            if found is not None:
                return found
        elif home.startswith("homespun.") and _our_package(home):
            if home not in sys.modules and importlib.util.find_spec(home.rpartition(".")[0]) is None:
                _refuse(name, "this homespun has no such part; perhaps the file is from a newer one")
            try:
                module = importlib.import_module(home)
            except ModuleNotFoundError:
                _refuse(name, "this homespun has no such part; perhaps the file is from a newer one")
            found = _ours(module, rest, home)
            if found is not None:
                return found
            hint = did_you_mean(rest, vars(module))
            _refuse(name, "this homespun has no such part; perhaps the file is from another version", hint)
        return _refuse(name, "it is not in the list of classes and functions that a model file may use")

    def _custom_module(self, file: str) -> ModuleType:
        """Run the user's own copy of the custom code, if its hash is the stored one."""
        if file in self._modules:
            return self._modules[file]
        if file not in self.code:
            _refuse(file, "the model file names this code but does not hold it")
        wanted = self.code[file]["sha256"]
        if not self._allowed:
            raise ModelFileError(
                f"the model uses custom code, {file} (SHA-256 {wanted[:12]}…), and no code is run unless you allow it: "
                f"read it, then pass allow_code={file!r} (command line: --code {file})",
                operation="load",
                operands={"allow_code": None},
                rule=f"allow_code has SHA-256 {wanted}",
                where=file,
                suggestion=f"allow_code={file!r}",
            )
        seen = {}
        for path in map(Path, self._allowed):
            try:
                source = path.read_bytes()
            except OSError as error:
                raise ModelFileError(
                    f"allow_code={str(path)!r} cannot be read: {error.strerror}",
                    operation="load",
                    operands={"allow_code": str(path)},
                    where=str(path),
                ) from None
            seen[str(path)] = hashlib.sha256(source).hexdigest()
            if seen[str(path)] == wanted:
                self._modules[file] = run_code(path, source)
                return self._modules[file]
        raise ModelFileError(
            f"the model was saved with another {file}: its SHA-256 is {wanted[:12]}…, that of "
            + ", ".join(f"{path} is {digest[:12]}…" for path, digest in seen.items())
            + "; the code as it was is in homespun.persist.describe(path)['code']",
            operation="load",
            operands={"allow_code": seen},
            rule=f"allow_code has SHA-256 {wanted}",
            where=file,
        )


class _SourceInHand(importlib.abc.InspectLoader):
    """Imports the very bytes that were hashed, not what the file holds a moment later."""

    def __init__(self, path: Path, source: bytes):
        self.path, self.source = path, source

    def get_source(self, fullname):
        return importlib.util.decode_source(self.source)

    def exec_module(self, module):
        module.__file__ = str(self.path)  # before the code runs: it may look for its neighbours
        exec(compile(self.source, str(self.path), "exec"), vars(module))


def run_code(path, source: bytes | None = None) -> ModuleType:
    """Run a Python file of the user as a module of its own. The same text runs once per process."""
    path = Path(path).resolve()
    source = path.read_bytes() if source is None else source
    name = f"homespun_code_{path.stem}_{hashlib.sha256(source).hexdigest()[:12]}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_loader(name, _SourceInHand(path, source))
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module  # before it runs: dataclasses look their module up
        try:
            spec.loader.exec_module(module)
        except BaseException:
            del sys.modules[name]
            raise
    return sys.modules[name]


def _our_package(module: str) -> bool:
    parts = module.split(".")
    return len(parts) > 1 and parts[0] == "homespun" and parts[1] not in DOORS


def _ours(module: ModuleType, name: str, home: str) -> Any:
    """A class or function of one of our modules that a file may name, else None."""
    thing = _defined(module, name, home)
    if isinstance(thing, FunctionType):
        method = "." in name  # its `self` would be the rows, and a table's columns can have the names of attributes
        return thing if home.split(".")[1] in COMPUTING and not method else None
    return thing if isinstance(thing, type) else None


def _defined(module: ModuleType, name: str, home: str) -> Any:
    """What `module` itself defines under `name`, dotted for a class in a class; None for what it only imported."""
    thing: Any = module
    for part in name.split("."):
        thing = vars(thing).get(part) if isinstance(thing, (ModuleType, type)) else None
    return thing if getattr(thing, "__module__", None) == home else None


def _sklearn_name(thing, name: str) -> str | None:
    if isinstance(thing, type):
        homes = (home for home, names in SKLEARN.items() if name in names.split())
        return next((f"{home}:{name}" for home in homes if getattr(importlib.import_module(home), name, None) is thing), None)
    return next((f"{home}:{name}" for home in SKLEARN_FUNCTIONS if _sklearn_function(home, name) is thing), None)


def _sklearn_function(home: str, name: str) -> FunctionType | None:
    """A public function that `home` itself defines, in whatever private file of it."""
    found = None if name.startswith("_") else getattr(importlib.import_module(home), name, None)
    return found if isinstance(found, FunctionType) and found.__module__.startswith(home) else None


def _source_file(thing) -> Path | None:
    file = getattr(sys.modules.get(thing.__module__), "__file__", None)
    if file is None:  # the module was taken out of sys.modules: its functions still know
        functions = [thing, *vars(thing).values()] if isinstance(thing, type) else [thing]
        file = next((part.__code__.co_filename for part in functions if isinstance(part, FunctionType)), None)
    return Path(file) if file else None


def _installed(path: Path) -> bool:
    places = {
        Path(place).resolve()
        for key, place in sysconfig.get_paths().items()
        if key in ("stdlib", "platstdlib", "purelib", "platlib")
    }
    return any(path.resolve().is_relative_to(place) for place in places)


def _refuse(name: str, why: str, hint: str | None = None):
    raise ModelFileError(
        f"the model file names {name!r}: {why}" + (f"; {hint}" if hint else ""),
        operation="load",
        operands={"name": name},
        rule="only listed names are loaded",
        suggestion=hint,
    )
