"""JSON nodes and raw arrays → values: the way back from `encoding`, where a file can only name what is in the list.

    decode({"model": node}, arrays, names)   -> {"model": model}

Every kind of node has one line in `DECODERS`. Lists, dicts and objects are made first and filled then, so that circles
close. Whatever does not fit (an unknown kind, an index past the end of a sparse matrix) ends in a ModelFileError.
"""

from __future__ import annotations

import datetime
import decimal
import functools
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np

from homespun.base.errors import ModelFileError
from homespun.persist import tables
from homespun.persist.allowed import Names, refuse_input, refuse_state
from homespun.persist.encoding import SPARSE

_BIT_GENERATORS = ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64")


class Decoder:
    """Turns nodes into values. Whatever a file says wrongly ends in a ModelFileError (see `decode`)."""

    def __init__(self, arrays: dict[str, np.ndarray], names: Names):
        self.arrays = arrays
        self.names = names
        self._known: dict[int, Any] = {}
        self._objects: list[Any] = []

    def decode(self, node: Any) -> Any:
        if node is None or isinstance(node, (bool, str, int, float)):
            return node
        kind = node["kind"]
        if kind == "ref":
            return self._known[node["to"]]
        if kind in _FILLED:
            return _FILLED[kind](self, node)
        value = DECODERS[kind](self, node)
        return self._note(node, value)

    def _note(self, node, value):
        if "id" in node:
            self._known[node["id"]] = value
        return value

    def _items(self, node) -> list:
        return [self.decode(item) for item in node["items"]]

    # -- made first, filled then, so that circles close ----------------------------------------------------------------

    def _list(self, node) -> list:
        value = self._note(node, [])
        value.extend(self._items(node))
        return value

    def _dict(self, node) -> dict:
        return self._fill(self._note(node, {}), node)

    def _fill(self, value, node):
        if "items" in node:
            for key, entry in node["items"].items():
                value[key] = self.decode(entry)
        else:
            for key, entry in node["pairs"]:
                value[self.decode(key)] = self.decode(entry)
        return value

    def _object(self, node) -> Any:
        cls = self.names.find(node["class"])
        if not isinstance(cls, type):
            raise TypeError(f"{node['class']} is no class")
        if "fields" in node:
            return self._note(node, tuple.__new__(cls, [self.decode(item) for item in node["fields"]]))
        value = self._note(node, dict.__new__(cls) if issubclass(cls, dict) else object.__new__(cls))
        if "dict" in node:
            dict.update(value, self._fill({}, node["dict"]))
        self._objects.append(value)
        state = {name: self.decode(entry) for name, entry in node.get("state", {}).items()}
        refuse_state(cls, state)
        setstate = getattr(cls, "__setstate__", None)
        if setstate is not None and getattr(setstate, "__module__", "") not in ("sklearn.base", "sklearn.utils._bunch"):
            value.__setstate__(state)
        else:
            for name, entry in state.items():
                object.__setattr__(value, name, entry)
        return value

    def check(self) -> None:
        """Ask every object of ours whether its state is one that `fit` could have left. Last, when all circles are closed."""
        for value in self._objects:
            refuse_input(value, "load")
            for cls in type(value).__mro__:  # ours, also where the class of a user inherits it
                if cls.__module__.startswith("homespun.") and "check_state" in vars(cls):
                    vars(cls)["check_state"](value)
                    break

    # -- arrays --------------------------------------------------------------------------------------------------------

    def _array(self, node) -> np.ndarray:
        if "data" not in node:
            array = self._loose_array(node)
        elif "dtype" in node:
            array = self.arrays[node["data"]].view(self._dtype(node["dtype"])).reshape(node["shape"])
        else:
            array = self.arrays[node["data"]]
        if "axes" in node:
            array = array.transpose(np.argsort(node["axes"]))
        if node.get("frozen"):
            array.flags.writeable = False
        return array

    def _loose_array(self, node) -> np.ndarray:
        dtype = self._dtype(node["dtype"])
        if "texts" in node:
            sizes, text = self.arrays[node["sizes"]], self.arrays[node["texts"]].tobytes()
            ends = np.cumsum(np.maximum(sizes, 0)).tolist()
            items = [
                text[end - size : end].decode("utf-8", "surrogatepass") if size >= 0 else None if size == -1 else math.nan
                for size, end in zip(sizes.tolist(), ends)
            ]
        else:
            items = self._items(node)
        flat = np.empty(len(items), object)
        for position, item in enumerate(items):  # slice assignment would unpack sequences
            flat[position] = item
        return flat.astype(dtype, copy=False).reshape(node["shape"])

    def _dtype(self, node) -> np.dtype:
        if isinstance(node, str):
            return np.dtype(node)
        if node.get("text"):
            na = {"na_object": self.decode(node["na"])} if "na" in node else {}
            return np.dtypes.StringDType(coerce=node["coerce"], **na)
        if "base" in node:
            return np.dtype((self._dtype(node["base"]), tuple(node["shape"])))
        fields: Any = {part: node[part] for part in ("names", "offsets", "itemsize", "titles")}
        return np.dtype(fields | {"formats": [self._dtype(part) for part in node["formats"]]}, align=node["aligned"])

    def _scalar(self, node) -> np.generic:
        dtype, raw = self._dtype(node["dtype"]), bytes.fromhex(node["bytes"])
        return np.frombuffer(raw, dtype, count=1)[0] if dtype.itemsize else np.empty(1, dtype)[0]

    def _masked(self, node):
        data, mask, fill = (self.decode(node[part]) for part in ("data", "mask", "fill"))
        return np.ma.MaskedArray(data, mask=mask, fill_value=fill, hard_mask=node["hard"])

    def _sparse(self, node):
        import scipy.sparse

        if node["class"] not in SPARSE:
            raise ValueError(node["class"])
        cls, parts = (
            getattr(scipy.sparse, node["class"]),
            {name: self.decode(part) for name, part in node["parts"].items()},
        )
        kind, form, shape = node["class"][:3], node["class"][3:], tuple(node["shape"])
        if kind == "dia":
            return cls((parts["data"], parts["offsets"]), shape=shape)
        if kind in ("coo", "lil", "dok"):
            triplets = getattr(scipy.sparse, "coo" + form)((parts["data"], parts["coords"]), shape=shape)
            return triplets if kind == "coo" else triplets.asformat(kind)
        value = cls(shape, dtype=parts["data"].dtype, **({"blocksize": parts["data"].shape[1:]} if kind == "bsr" else {}))
        value.data, value.indices, value.indptr = (
            parts["data"],
            parts["indices"],
            parts["indptr"],
        )  # no index is narrowed
        value.check_format(full_check=True)  # an index past the end would read past the end
        return value

    def _generator(self, node):
        state = self.decode(node["state"])
        if state["bit_generator"] not in _BIT_GENERATORS:
            raise ValueError(state["bit_generator"])
        bits = getattr(np.random, state["bit_generator"])(0)
        bits.state = state
        return np.random.Generator(bits)

    def _random_state(self, node):
        value = np.random.RandomState(0)
        value.set_state(self.decode(node["state"]))
        return value

    def _partial(self, node):
        function, args, keywords = self._items(node)
        return functools.partial(function, *args, **keywords)


def _in_zone(value, node):
    return value.replace(tzinfo=tables.zone_of(node["zone"]))


_FILLED = {"list": Decoder._list, "dict": Decoder._dict, "object": Decoder._object}
DECODERS: dict[str, Any] = {
    "int": lambda self, node: int(node["hex"], 16),
    "float": lambda self, node: struct.unpack("<d", bytes.fromhex(node["bytes"]))[0],
    "complex": lambda self, node: complex(*struct.unpack("<dd", bytes.fromhex(node["bytes"]))),
    "bytes": lambda self, node: self.arrays[node["data"]].tobytes(),
    "bytearray": lambda self, node: bytearray(self.arrays[node["data"]].tobytes()),
    "tuple": lambda self, node: tuple(self._items(node)),
    "set": lambda self, node: set(self._items(node)),
    "frozenset": lambda self, node: frozenset(self._items(node)),
    "slice": lambda self, node: slice(*self._items(node)),
    "range": lambda self, node: range(*self._items(node)),
    "ellipsis": lambda self, node: ...,
    "not_implemented": lambda self, node: NotImplemented,
    "decimal": lambda self, node: decimal.Decimal(node["text"]),
    "date": lambda self, node: datetime.date.fromisoformat(node["text"]),
    "datetime": lambda self, node: _in_zone(datetime.datetime.fromisoformat(node["text"]).replace(fold=node["fold"]), node),
    "time": lambda self, node: _in_zone(datetime.time.fromisoformat(node["text"]), node),
    "timedelta": lambda self, node: datetime.timedelta(*node["items"]),
    "path": lambda self, node: Path(node["text"]),
    "name": lambda self, node: self.names.find(node["of"]),
    "numpy.random": lambda self, node: np.random,
    "dtype": lambda self, node: self._dtype(node["of"]),
    "array": Decoder._array,
    "scalar": Decoder._scalar,
    "masked": Decoder._masked,
    "sparse": Decoder._sparse,
    "generator": Decoder._generator,
    "random_state": Decoder._random_state,
    "partial": Decoder._partial,
    "pandas": lambda self, node: tables.decode(node, self.decode),
}


def decode(nodes: dict[str, Any], arrays: dict[str, np.ndarray], names: Names) -> dict[str, Any]:
    """The parts that `encode` took. A node that does not fit is a ModelFileError, whatever is wrong with it."""
    decoder = Decoder(arrays, names)
    try:
        parts = {name: decoder.decode(node) for name, node in nodes.items()}
        decoder.check()
        return parts
    except (ModelFileError, MemoryError):
        raise
    except Exception as error:
        raise ModelFileError(
            f"the model file cannot be understood ({type(error).__name__}: {error}); it was altered, or written by "
            "another version",
            operation="load",
            rule="every node is one that homespun writes",
        ) from error
