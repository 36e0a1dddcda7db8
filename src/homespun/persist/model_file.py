"""`save`, `load`, `describe`: one model, one `.homespun` file, no pickle in it, no code run on load.

    save(model, path)   model → nodes + arrays (`encoding`) → safetensors + SHA-256 (`container`) → replaces the file
    load(path)          the digest of every byte, then the arrays, then the objects (`decoding`), then the self-test

The header tells a reader without loading anything: versions, class, input contract, training record, reference
statistics for drift, and the source of custom code. The self-test holds rows and what the model said about them when it
was saved: on the same instruction set with the same versions loading demands the same bits, elsewhere a relative 1e-5.

Cost: linear in the size of the model, one copy in memory. Not handled: see `encoding`.
"""

from __future__ import annotations

import json
import os
import platform
from pathlib import Path
from typing import Any

import numpy as np

from homespun import __version__
from homespun.base.errors import ModelFileError
from homespun.persist import container
from homespun.persist.allowed import Names
from homespun.persist.decoding import decode
from homespun.persist.encoding import encode

_METHODS = ("predict", "predict_proba", "transform")  # what the self-test asks a model, where it has them
_PLACES = (str, bytes, os.PathLike)  # what names a file
_TOLERANCE = 1e-5  # relative, between machines: another level sums in another order


def save(model: Any, path, *, sample=None, record: dict | None = None, reference: dict | None = None) -> Path:
    """Save a model as one file that is safe to load.

    Parameters
    ----------
    model : Project, estimator or pipeline
        Of homespun, of scikit-learn's plumbing around ours, or a class from a Python file of your own.
    path : path-like
        By custom ends with ``.homespun``. A file there is replaced only when the new one is complete and on the disk.
    sample : array, sparse matrix or dataframe, optional
        A few input rows. They and the model's answers become the self-test, and the dtypes part of the input contract.
    record : dict, optional
        The training record: anything that JSON can say.
    reference : dict, optional
        Reference statistics of the training data, for drift: anything that JSON can say.

    Returns
    -------
    Path
        The file.

    Raises
    ------
    ModelFileError
        A part that cannot be stored (the text says where), disk full, no permission. The old file survives.

    Examples
    --------
    >>> import numpy as np, tempfile, pathlib
    >>> from sklearn.preprocessing import StandardScaler
    >>> X = np.array([[1.0], [2.0], [4.0]])
    >>> path = save(StandardScaler().fit(X), pathlib.Path(tempfile.mkdtemp()) / "scaler.homespun", sample=X)
    >>> load(path).transform([[4.0]]).round(3)
    array([[1.336]])
    """
    container.named(path, "save")  # before the work, not after it
    if not any(hasattr(model, method) for method in ("fit", "predict", "transform")):
        kind = type(model).__name__
        raise ModelFileError(f"cannot save {'an' if kind[0] in 'aeiou' else 'a'} {kind}: it has neither fit nor predict nor "
                             "transform, so it is no model",
                             operation="save", operands={"model": model}, rule="a Project, an estimator or a pipeline",
                             suggestion="save a fitted instance")
    names = Names()
    parts: dict[str, Any] = {"model": model}
    if isinstance(sample, _PLACES):
        raise ModelFileError(f"cannot save the model: sample must be rows, got {type(sample).__name__}", operation="save",
                             operands={"sample": sample}, rule="sample is rows, not the name of a file")
    if sample is not None:
        answers = _answers(model, sample)
        parts["self_test"] = {"sample": sample, "answers": answers}
    nodes, arrays = encode(parts, names)
    texts = {
        "homespun": __version__,
        "class": f"{type(model).__module__}.{type(model).__qualname__}",
        "versions": _json("versions", _versions()),
        "contract": _json("contract", input_contract(model, sample)),
        "record": _json("record", record),
        "reference": _json("reference", reference),
        "code": _json("code", names.code),
    }
    arrays["#tree"] = np.frombuffer(json.dumps(nodes, separators=(",", ":"), allow_nan=False).encode(), np.uint8)
    return container.write(path, texts, arrays)


def load(path, *, allow_code=None, self_test: bool = True) -> Any:
    """Load a model that `save` wrote. No code from the file is run, no pickle is opened.

    Parameters
    ----------
    path : path-like
    allow_code : path-like or list of them, optional
        The Python file of a custom class, if the model has one. It is run only if its SHA-256 is the stored one.
    self_test : bool
        Ask the model the questions stored with it, and compare.

    Raises
    ------
    ModelFileError
        Missing, unreadable, no model file, truncated, altered, newer, code that is not allowed, or a failed self-test.
    """
    texts, arrays, _ = container.read(path)
    try:
        nodes = json.loads(arrays.pop("#tree").tobytes())
        names = Names(json.loads(texts["code"]), allow_code)
        versions = json.loads(texts["versions"])
        parts = decode(nodes, arrays, names)
        model, test = parts["model"], parts.get("self_test")
    except ModelFileError as error:
        error.args = (f"cannot load {path}: {error}",)
        error.where = error.where or str(path)
        raise
    except (KeyError, ValueError, TypeError, AttributeError, RecursionError) as error:
        raise ModelFileError(
            f"cannot load {path}: it was altered, or written by another version ({type(error).__name__}: {error})",
            operation="load",
            where=str(path),
            rule="every part is one that homespun writes",
        ) from error
    if self_test and test is not None:
        _check(model, test, path, exact=versions == json.loads(json.dumps(_versions())))
    return model


def describe(path) -> dict[str, Any]:
    """What a model file says about itself. Every byte is checked, nothing is loaded, no code is needed.

    Returns
    -------
    dict
        ``format_version``, ``homespun`` (version), ``class``, ``versions``, ``contract``, ``record``, ``reference``,
        ``code`` (file name → sha256, source), ``sha256``, ``bytes``, ``arrays`` (name → dtype, shape).
    """
    texts, _, entries = container.read(path, arrays=False)
    try:
        told: dict[str, Any] = {
            "format_version": int(texts["format_version"]),
            "homespun": texts["homespun"],
            "class": texts["class"],
        }
        told |= {name: json.loads(texts[name]) for name in ("versions", "contract", "record", "reference", "code")}
    except (KeyError, ValueError) as error:
        raise ModelFileError(
            f"cannot read {path}: it was altered, or written by another version ({error})",
            operation="describe",
            where=str(path),
            rule="the header is complete",
        ) from None
    arrays = {name: {"dtype": entry["dtype"], "shape": entry["shape"]} for name, entry in entries.items() if name != "#tree"}
    return told | {"sha256": texts["sha256"], "bytes": Path(path).stat().st_size, "arrays": arrays}


def input_contract(model, sample=None) -> dict[str, Any]:
    """What the model expects: number, names and dtypes (of `sample`) of the features; its classes.

    A model may say it itself, as `input_contract_`.
    """
    own = getattr(model, "input_contract_", None)
    if own is not None:
        return own
    contract: dict[str, Any] = {}
    for field, attribute in (
        ("n_features", "n_features_in_"),
        ("features", "feature_names_in_"),
        ("classes", "classes_"),
    ):
        try:
            value = getattr(model, attribute)
        except Exception:  # a property that asks an unfitted or headless part
            continue
        contract[field] = value.tolist() if isinstance(value, np.ndarray) else value
    dtypes = getattr(sample, "dtypes", None)
    if dtypes is not None:
        contract["dtypes"] = [str(dtype) for dtype in dtypes]
    elif hasattr(sample, "dtype"):
        contract["dtypes"] = str(sample.dtype)
    return contract


# ---------------------------------------------------------------------------------------------------------------------
# The self-test


def _answers(model, sample) -> dict[str, Any]:
    return {method: getattr(model, method)(sample) for method in _METHODS if hasattr(model, method)}


def _check(model, test, path, *, exact: bool) -> None:
    if isinstance(test["sample"], _PLACES):  # a Project would read it: a model file may not choose what is opened
        raise ModelFileError(f"cannot load {path}: its self-test names a file instead of holding rows", operation="load",
                             where=str(path), rule="the sample is rows")
    for method, expected in test["answers"].items():
        try:
            got = getattr(model, method)(test["sample"])
        except Exception as error:
            raise ModelFileError(
                f"cannot load {path}: its self-test failed: {method} raised {type(error).__name__}: {error}",
                operation="load",
                where=str(path),
                rule="the model answers its own sample",
            ) from error
        difference = _difference(got, expected)
        if difference and (exact or difference > _TOLERANCE):
            within = "to the last bit" if exact else f"to {_TOLERANCE:g}"
            raise ModelFileError(
                f"cannot load {path}: its self-test failed: {method} differs by {difference:.3g} (relative) from what "
                f"the model said when it was saved, it should agree {within}",
                operation="load",
                where=str(path),
                operands={"method": method, "difference": difference},
                rule=f"{method} agrees {within}",
            )


def _difference(got, expected) -> float:
    """0.0 for equal to the last bit, else the largest relative difference; infinite where kinds or shapes differ."""
    got, expected = (value.toarray() if hasattr(value, "toarray") else np.asarray(value) for value in (got, expected))
    if got.shape != expected.shape:
        return np.inf
    if got.dtype == expected.dtype and got.dtype != object and got.tobytes() == expected.tobytes():
        return 0.0
    if got.dtype.kind in "fc" and expected.dtype.kind in "fc":
        scale = np.maximum(np.abs(expected), np.finfo(expected.dtype).tiny)
        with np.errstate(invalid="ignore", over="ignore"):
            apart = np.where((got == expected) | (np.isnan(got) & np.isnan(expected)), 0.0, np.abs(got - expected) / scale)
        return float(np.nan_to_num(apart, nan=np.inf).max(initial=0.0))
    equal = all(
        type(a) is type(b) and (a == b or (a != a and b != b)) for a, b in zip(got.ravel().tolist(), expected.ravel().tolist())
    )
    return 0.0 if equal else np.inf


def _versions() -> dict[str, str]:
    """What has to be equal for predictions to be equal to the last bit."""
    import scipy
    import sklearn

    from homespun.kernels.cache import level

    return {
        "homespun": __version__,
        "numpy": np.__version__,
        "scipy": scipy.__version__,
        "scikit-learn": sklearn.__version__,
        "python": platform.python_version(),
        "system": platform.system(),
        "level": level(),
    }


def _json(name: str, value: Any) -> str:
    def plain(entry):
        if isinstance(entry, np.generic):
            return entry.item()
        if isinstance(entry, np.ndarray):
            return entry.tolist()
        if hasattr(entry, "isoformat"):
            return entry.isoformat()
        raise ModelFileError(
            f"cannot save the model: {name} holds a {type(entry).__name__}, which JSON cannot say",
            operation="save",
            operands={name: type(entry)},
            rule=f"{name} is numbers, text, lists and dictionaries",
        )

    return json.dumps(value, default=plain)
