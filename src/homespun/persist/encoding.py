"""Values → JSON nodes and raw arrays: everything that a fitted model can hold, and nothing that can run.

    encode({"model": model}, names)   -> {"model": node}, {array name: ndarray}         back: `decoding.decode`

None, booleans, text, finite floats and 64-bit integers are JSON as they are; all else is ``{"kind": …}`` of the table
`decoding.DECODERS`. An object is its class name (`allowed`) and its state; it is made without calling its constructor.
What is met twice is written once (`ref`), so shared arrays stay shared and circles close. Floats and arrays keep every
bit, NaN payloads too; arrays keep their memory order, because a matrix product may round differently in another.

Cost: linear. Not handled: lambdas and local functions, open files, threads, objects of other libraries; views of one
buffer become arrays of their own.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import math
import struct
import types
from pathlib import PurePath
from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError
from homespun.persist import tables
from homespun.persist.allowed import Names, refuse_input
from homespun.persist.container import NAMES

SPARSE = {kind + form for kind in ("csr", "csc", "bsr", "coo", "dia", "lil", "dok") for form in ("_matrix", "_array")}


class Encoder:
    """Turns values into nodes, collecting arrays and (in `names.code`) custom code."""

    def __init__(self, names: Names):
        self.names = names
        self.arrays: dict[str, np.ndarray] = {}
        self._seen: dict[int, dict] = {}
        self._alive: list[Any] = []  # an id is only unique while its object lives
        self._path: list[str] = []
        self._ids = 0

    def encode(self, value: Any, step: str = "") -> Any:
        """The node of `value`; `step` (``".coef_"``) is how its owner reaches it, for errors."""
        kind = type(value)
        if value is None or kind is bool or kind is str or (kind is int and -(2**63) <= value < 2**63):
            return value
        if kind is float and math.isfinite(value):
            return value
        if id(value) in self._seen:
            return self._refer(value, self._seen[id(value)])
        node: dict[str, Any] = {}
        if kind not in (int, float, complex, bytes):  # identity of plain numbers is nobody's business
            self._seen[id(value)] = node
            self._alive.append(value)
        self._path.append(step)
        try:
            node.update(self._node(value, kind))
        except RecursionError:
            raise self._refused(value, "it is nested too deeply") from None
        self._path.pop()
        return node

    def _refer(self, value, node: dict) -> dict:
        if not node and isinstance(value, (tuple, frozenset, functools.partial)):
            raise self._refused(value, "it contains itself")
        if "id" not in node:
            self._ids += 1
            node["id"] = self._ids
        return {"kind": "ref", "to": node["id"]}

    def _node(self, value, kind) -> dict[str, Any]:
        encoder = _ENCODERS.get(kind)
        if encoder is not None:
            return encoder(self, value)
        if isinstance(value, np.ma.MaskedArray):
            parts = {"data": value.data, "mask": value.mask, "fill": value.fill_value}
            return {"kind": "masked", "hard": bool(value.hardmask)} | {name: self.encode(part) for name, part in parts.items()}
        if kind in (np.ndarray, np.memmap):
            return self._array(value)
        if isinstance(value, np.dtype):
            return {"kind": "dtype", "of": self._dtype(value)}
        if isinstance(value, np.generic):
            return self._scalar(value)
        if kind.__name__ in SPARSE and kind.__module__.startswith("scipy.sparse"):
            return self._sparse(value)
        if tables.is_pandas(value):
            node = tables.encode(value, self.encode)
            if node is None:
                raise self._refused(value, "this kind of pandas object is not handled")
            return node
        if isinstance(value, PurePath):
            return {"kind": "path", "text": str(value)}
        if value is np.random:
            return {"kind": "numpy.random"}
        if (
            isinstance(value, (type, types.FunctionType, types.BuiltinFunctionType, np.ufunc))
            or kind.__name__ == "_ArrayFunctionDispatcher"
        ):
            name = self.names.of(value)
            if name is None:
                raise self._refused(
                    value,
                    "a model file can name functions and classes of homespun, NumPy's ufuncs, and what a "
                    "file of your own defines at its top level, nothing else",
                )
            return {"kind": "name", "of": name}
        return self._object(value, kind)

    # -- containers ----------------------------------------------------------------------------------------------------

    def _items(self, values) -> list:
        return [self.encode(value, f"[{position}]") for position, value in enumerate(values)]

    def _dict(self, value) -> dict:
        if all(type(key) is str for key in value):
            return {"kind": "dict", "items": {key: self.encode(entry, f"[{key!r}]") for key, entry in value.items()}}
        return {
            "kind": "dict",
            "pairs": [[self.encode(key, ".keys()"), self.encode(entry, f"[{key!r:.40}]")] for key, entry in value.items()],
        }

    def _set(self, value) -> dict:
        ordered = sorted(value, key=lambda entry: (type(entry).__name__, repr(entry)))  # the same set, the same file
        return {"kind": type(value).__name__, "items": self._items(ordered)}

    def _bytes(self, value) -> dict:
        return {"kind": type(value).__name__, "data": self._store(np.frombuffer(value, np.uint8))}

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _store(self, array: np.ndarray) -> str:
        """Keep an array for the container; the name says where it was met."""
        array = np.ascontiguousarray(array).reshape(array.shape)  # ascontiguousarray makes a number a vector
        base = "".join(self._path).lstrip(".")[-120:] or "value"
        name = base if base not in self.arrays else f"{base}#{len(self.arrays)}"
        self.arrays[name] = array
        return name

    def _array(self, value) -> dict:
        value = np.asarray(value)
        node: dict[str, Any] = {"kind": "array"}
        if not value.flags.writeable:
            node["frozen"] = True
        if value.dtype.kind in "OT":
            return node | self._loose_array(value)
        if not value.flags.c_contiguous:
            axes = np.argsort([-abs(step) for step in value.strides], kind="stable")
            if axes.tolist() != list(range(value.ndim)):
                node["axes"] = axes.tolist()
                value = value.transpose(axes)
        if value.dtype in NAMES:
            node["data"] = self._store(value)
        else:
            node["dtype"], node["shape"] = self._dtype(value.dtype), list(value.shape)
            value = np.ascontiguousarray(value)
            node["data"] = self._store(np.frombuffer(value.tobytes(), np.uint8))
        return node

    def _loose_array(self, value) -> dict:
        """An array of Python objects or of NumPy's variable-width strings: text as one text, the rest as nodes."""
        items = value.astype(object).ravel().tolist() if value.dtype.kind == "T" else value.ravel().tolist()
        node: dict[str, Any] = {"shape": list(value.shape), "dtype": self._dtype(value.dtype)}
        if items and all(type(item) is str or item is None or (type(item) is float and item != item) for item in items):
            texts = [item.encode("utf-8", "surrogatepass") if type(item) is str else b"" for item in items]
            sizes = [len(t) if type(item) is str else -1 if item is None else -2 for t, item in zip(texts, items)]
            node["sizes"] = self._store(np.array(sizes, np.int64))
            node["texts"] = self._store(np.frombuffer(b"".join(texts), np.uint8))
        else:
            node["items"] = self._items(items)
        return node

    def _dtype(self, dtype: np.dtype) -> Any:
        if dtype.kind == "T":
            text: Any = dtype  # numpy.dtypes.StringDType
            na = {"na": self.encode(text.na_object)} if hasattr(text, "na_object") else {}
            return {"text": True, "coerce": text.coerce} | na
        if dtype.hasobject and dtype.kind != "O":
            raise self._refused(dtype, "a structured type with Python objects in it has no fixed bytes")
        if dtype.subdtype is not None:
            base, shape = dtype.subdtype
            return {"base": self._dtype(base), "shape": list(shape)}
        if dtype.names is not None:
            known: Any = dtype.fields
            fields = [known[name] for name in dtype.names]  # (type, offset) or (type, offset, title)
            return {
                "names": list(dtype.names),
                "formats": [self._dtype(field[0]) for field in fields],
                "offsets": [field[1] for field in fields],
                "itemsize": dtype.itemsize,
                "aligned": dtype.isalignedstruct,
                "titles": [field[2] if len(field) > 2 else None for field in fields],
            }
        return dtype.str

    def _scalar(self, value: np.generic) -> dict:
        if value.dtype.hasobject:
            raise self._refused(value, "a record with Python objects in it has no fixed bytes")
        return {"kind": "scalar", "dtype": self._dtype(value.dtype), "bytes": value.tobytes().hex()}

    def _sparse(self, value) -> dict:
        name = type(value).__name__
        if name[:3] in ("lil", "dok"):
            value = value.tocoo()
        parts = {
            "csr": ("data", "indices", "indptr"),
            "csc": ("data", "indices", "indptr"),
            "bsr": ("data", "indices", "indptr"),
            "dia": ("data", "offsets"),
        }.get(value.format, ("data", "coords"))
        return {
            "kind": "sparse",
            "class": name,
            "shape": list(value.shape),
            "parts": {part: self.encode(getattr(value, part), f".{part}") for part in parts},
        }

    # -- objects -------------------------------------------------------------------------------------------------------

    def _object(self, value, kind) -> dict:
        name = self.names.of(kind)
        if name is None:
            raise self._refused(
                value,
                f"{kind.__module__}.{kind.__qualname__} is not a class that a model file can hold "
                f"(ours, scikit-learn's plumbing, or a class in a file of your own)",
            )
        refuse_input(value, "save")
        node: dict[str, Any] = {"kind": "object", "class": name}
        if isinstance(value, dict):
            node["dict"] = self._dict(dict(value))
        elif isinstance(value, tuple) and hasattr(value, "_fields"):
            return node | {"fields": self._items(value)}
        elif isinstance(value, (list, tuple, set, str, bytes, int, float, np.ndarray, BaseException)):
            raise self._refused(value, f"{kind.__qualname__} is a subclass of a built-in type")
        for attribute, entry in state_of(value).items():
            node.setdefault("state", {})[attribute] = self.encode(entry, f".{attribute}")
        return node

    def _refused(self, value, why: str) -> ModelFileError:
        where = "model" + "".join(self._path)
        shown = f"{type(value).__name__} {getattr(value, '__qualname__', '')}".strip()
        return ModelFileError(
            f"cannot save {where}, a {shown}: {why}",
            operation="save",
            operands={where: type(value)},
            where=where,
            rule=why,
        )


def state_of(value) -> dict[str, Any]:
    """The attributes of an object: what its own ``__getstate__`` says (a dict), or its ``__dict__`` and slots."""
    getstate = type(value).__getstate__
    if getattr(getstate, "__module__", "") != "sklearn.base" and getstate is not object.__getstate__:
        state = value.__getstate__()
        if isinstance(state, dict) and all(type(key) is str for key in state):
            return state
        raise ModelFileError(
            f"cannot save a {type(value).__qualname__}: its __getstate__ gives no dictionary of attributes",
            operation="save",
            operands={"class": type(value)},
            rule="__getstate__ returns a dict",
        )
    state = dict(getattr(value, "__dict__", {})) if not isinstance(value, dict) else {}
    for cls in type(value).__mro__:
        slots = vars(cls).get("__slots__", ())
        for name in (slots,) if isinstance(slots, str) else slots:
            if name not in ("__dict__", "__weakref__") and hasattr(value, name):
                state[name] = getattr(value, name)
    return state


_ENCODERS: dict[type, Any] = {
    int: lambda self, value: {"kind": "int", "hex": hex(value)},
    float: lambda self, value: {"kind": "float", "bytes": struct.pack("<d", value).hex()},
    complex: lambda self, value: {"kind": "complex", "bytes": struct.pack("<dd", value.real, value.imag).hex()},
    bytes: Encoder._bytes,
    bytearray: Encoder._bytes,
    list: lambda self, value: {"kind": "list", "items": self._items(value)},
    tuple: lambda self, value: {"kind": "tuple", "items": self._items(value)},
    set: Encoder._set,
    frozenset: Encoder._set,
    dict: Encoder._dict,
    slice: lambda self, value: {"kind": "slice", "items": self._items((value.start, value.stop, value.step))},
    range: lambda self, value: {"kind": "range", "items": self._items((value.start, value.stop, value.step))},
    type(...): lambda self, value: {"kind": "ellipsis"},
    type(NotImplemented): lambda self, value: {"kind": "not_implemented"},
    decimal.Decimal: lambda self, value: {"kind": "decimal", "text": str(value)},
    datetime.date: lambda self, value: {"kind": "date", "text": value.isoformat()},
    datetime.datetime: lambda self, value: {
        "kind": "datetime",
        "text": value.replace(tzinfo=None).isoformat(),
        "fold": value.fold,
        "zone": tables.zone_name(value.tzinfo),
    },
    datetime.time: lambda self, value: {
        "kind": "time",
        "text": value.replace(tzinfo=None).isoformat(),
        "zone": tables.zone_name(value.tzinfo),
    },
    datetime.timedelta: lambda self, value: {
        "kind": "timedelta",
        "items": [value.days, value.seconds, value.microseconds],
    },
    functools.partial: lambda self, value: {
        "kind": "partial",
        "items": self._items((value.func, value.args, value.keywords)),
    },
    np.random.RandomState: lambda self, value: {
        "kind": "random_state",
        "state": self.encode(value.get_state(legacy=False)),
    },
    np.random.Generator: lambda self, value: {"kind": "generator", "state": self.encode(value.bit_generator.state)},
}


def encode(parts: dict[str, Any], names: Names) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    """JSON nodes of the named parts of a file, and the arrays that they refer to. Errors say where in the model."""
    encoder = Encoder(names)
    nodes = {name: encoder.encode(value, "" if name == "model" else f"#{name}") for name, value in parts.items()}
    return nodes, encoder.arrays
