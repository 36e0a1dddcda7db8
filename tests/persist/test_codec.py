"""Values through a model file and back: the same type, the same bits, the same sharing."""

import datetime
import decimal
import functools
import json
import math
import struct
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import scipy.sparse
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from homespun.errors import ModelFileError
from homespun.persist.allowed import Names
from homespun.persist.decoding import decode
from homespun.persist.encoding import encode


def through(value):
    names = Names()
    nodes, arrays = encode({"model": value}, names)
    text = json.dumps(nodes, allow_nan=False)  # what the file holds
    return decode(json.loads(text), {name: array.copy() for name, array in arrays.items()}, Names(names.code))["model"]


def same(a, b):
    """Equal in type, shape, memory order and every bit."""
    assert type(a) is type(b), (type(a), type(b))
    if isinstance(a, np.ndarray):
        assert a.dtype == b.dtype and a.shape == b.shape and a.flags.writeable == b.flags.writeable
        if a.dtype.kind in "OT":
            for x, y in zip(a.ravel().tolist(), b.ravel().tolist()):
                same(x, y)
        else:
            assert a.tobytes() == b.tobytes()
            if a.size and a.flags.f_contiguous and a.ndim == 2:
                assert b.flags.f_contiguous
    elif isinstance(a, np.generic):
        assert a.dtype == b.dtype and (a.tobytes() == b.tobytes() or (a.dtype.names and a.tolist() == b.tolist()))
    elif isinstance(a, float):
        assert struct.pack("d", a) == struct.pack("d", b) or (a != a and b != b)  # a NaN among objects has no sign
    elif isinstance(a, complex):
        same(a.real, b.real)
        same(a.imag, b.imag)
    elif isinstance(a, (list, tuple)):
        assert len(a) == len(b)
        for x, y in zip(a, b):
            same(x, y)
    elif isinstance(a, dict):
        assert len(a) == len(b)
        for (key_a, x), (key_b, y) in zip(a.items(), b.items()):
            same(key_a, key_b)
            same(x, y)
    else:
        assert a == b or a is b


PLAIN = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(2**200), 2**200),
    st.floats(),
    st.complex_numbers(),
    st.text(st.characters(codec=None), max_size=8),
    st.binary(max_size=8),
    st.datetimes(),
    st.dates(),
    st.timedeltas(),
    st.decimals(allow_nan=False),
)
KEYS = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=4), st.tuples(st.integers(), st.text(max_size=3)))
NESTED = st.recursive(
    PLAIN,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4),
        st.tuples(inner, inner),
        st.dictionaries(KEYS, inner, max_size=4),
        st.dictionaries(st.text(max_size=4), inner, max_size=4),
        st.sets(st.integers()),
        st.frozensets(st.text(max_size=3)),
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(NESTED)
def test_nested_values(value):
    same(value, through(value))


@settings(max_examples=150, deadline=None)
@given(
    hnp.arrays(
        dtype=st.one_of(
            hnp.scalar_dtypes(),
            hnp.unicode_string_dtypes(),
            hnp.byte_string_dtypes(),
            hnp.array_dtypes(max_size=3),
            st.sampled_from([np.dtype(">f8"), np.dtype(np.longdouble)]),
        ),
        shape=hnp.array_shapes(min_dims=0, min_side=0, max_dims=4),
    ),
    st.booleans(),
    st.booleans(),
)
def test_arrays_of_any_type(array, fortran, frozen):
    array = np.asfortranarray(array) if fortran and array.ndim else array
    array.flags.writeable = not frozen
    same(array, through(array))


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.one_of(st.none(), st.text(st.characters(codec=None), max_size=5), st.just(math.nan)), max_size=6),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(max_size=3), st.none()), max_size=6),
)
def test_arrays_of_objects(texts, mixed):
    for items in (texts, mixed):
        array = np.empty(len(items), object)
        array[:] = items
        same(array, through(array))


STRUCTURED = np.zeros(3, np.dtype({"names": ["a", "b"], "formats": ["<f4", ("<i8", (2,))], "offsets": [4, 8], "itemsize": 32}))


@pytest.mark.parametrize(
    "value",
    [
        np.arange(12.0).reshape(3, 4)[:, ::2],
        np.arange(24).reshape(2, 3, 4).transpose(1, 0, 2),
        np.broadcast_to(1.5, (3, 2)),
        STRUCTURED,
        np.zeros((), "<M8[ns]"),
        np.array(["NaT", "2024-02-29"], "<M8[s]"),
        np.zeros((0, 3)),
        np.array([[None, [1, 2]]], object),
        np.array(["a", "long text", ""], dtype=np.dtypes.StringDType()),
        np.array(["a", None], dtype=np.dtypes.StringDType(na_object=None)),
        np.float32(1.5),
        np.float64("nan"),
        np.datetime64("2024-01-01", "D"),
        np.str_("é"),
        np.bytes_(b"ab"),
        np.bool_(True),
        np.str_(""),
        np.longdouble(1) / 3,
        STRUCTURED[0],
        np.dtype("f4"),
        STRUCTURED.dtype,
        np.dtypes.StringDType(),
        np.float64,
        np.int8,
        float,
        str,
        object,
        np.log1p,
        np.add,
        slice(1, None, 2),
        range(3, 9, 2),
        ...,
        datetime.time(1, 2, 3, 4),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
        datetime.datetime(2024, 1, 1, tzinfo=datetime.timezone(datetime.timedelta(hours=5, minutes=30))),
        decimal.Decimal("1.10"),
        Path("a/b"),
        bytearray(b"xyz"),
        -0.0,
        2**64,
        -(2**63),
        math.inf,
        b"\0" * 1000,
    ],
    ids=lambda value: f"{type(value).__name__}-{str(value)[:20]}",
)
def test_single_values(value):
    same(value, through(value))


def test_masked_arrays_and_partials_and_numpy_random():
    masked = np.ma.MaskedArray([1.0, 2.0, 3.0], mask=[0, 1, 0], fill_value=-1)
    back = through(masked)
    assert back.mask.tolist() == [False, True, False] and back.fill_value == -1 and back.data.tolist() == [1, 2, 3]
    partial = through(functools.partial(np.add, 1.0, where=True))
    assert partial(2.0) == 3.0 and partial.keywords == {"where": True}
    assert through([np.random])[0] is np.random


def test_random_generators_go_on_where_they_were():
    for bits in ("MT19937", "PCG64", "PCG64DXSM", "Philox", "SFC64"):
        generator = np.random.Generator(getattr(np.random, bits)(7))
        generator.standard_normal(3)
        back = through(generator)
        same(generator.standard_normal(4), back.standard_normal(4))
    state = np.random.RandomState(3)
    state.normal(size=3)  # an odd number: half of a Box-Muller pair is waiting
    back = through(state)
    same(state.normal(size=3), back.normal(size=3))


@pytest.mark.parametrize("kind", ["csr", "csc", "bsr", "coo", "dia", "lil", "dok"])
@pytest.mark.parametrize("form", ["matrix", "array"])
def test_sparse(kind, form):
    dense = np.array([[0, 1.5, 0, 0], [2, 0, 0, -1], [0, 0, 0, 0], [0, 3, 0, 4.0]], np.float32)
    value = getattr(scipy.sparse, f"{kind}_{form}")(dense)
    back = through(value)
    assert type(back) is type(value) and back.dtype == value.dtype
    np.testing.assert_array_equal(back.toarray(), dense)
    if kind in ("csr", "csc", "bsr"):
        same(value.indices, back.indices)


def test_wide_sparse_indices_stay_wide():
    value = scipy.sparse.csr_matrix(np.eye(3))
    value.indices, value.indptr = value.indices.astype(np.int64), value.indptr.astype(np.int64)
    assert through(value).indices.dtype == np.int64


def test_a_sparse_index_past_the_end_is_refused():
    value = scipy.sparse.csr_matrix(np.eye(3))
    nodes, arrays = encode({"model": value}, Names())
    arrays[nodes["model"]["parts"]["indices"]["data"]][0] = 1000
    with pytest.raises(ModelFileError, match="cannot be understood"):
        decode(nodes, arrays, Names())


@pytest.mark.parametrize(
    "value",
    [
        pd.Timestamp("2024-05-01 10:00:00.123456789"),
        pd.Timestamp("2024-05-01", tz="Europe/Berlin"),
        pd.Timedelta("3h"),
        pd.NaT,
        pd.NA,
        pd.CategoricalDtype(["b", "a"], ordered=True),
        pd.RangeIndex(2, 9, 3, name="r"),
        pd.Index(["a", None, "b"], name="x"),
        pd.Index([1.5, 2.5]),
        pd.DatetimeIndex(["2024-01-01", "2024-02-01"], tz="UTC"),
        pd.MultiIndex.from_product([["a", "b"], [1, 2]]),
        pd.Int64Dtype(),
        pd.Categorical(["a", "b", None]),
        pd.array([1, None], dtype="Int64"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_pandas_values(value):
    back = through(value)
    assert type(back) is type(value)
    if isinstance(value, pd.Index):
        pd.testing.assert_index_equal(back, value, exact=True)
    elif isinstance(value, pd.api.extensions.ExtensionArray):
        pd.testing.assert_extension_array_equal(back, value)
    else:
        assert back is value or back == value


def test_pandas_frames():
    frame = pd.DataFrame(
        {
            "number": [1.5, np.nan, 3],
            "whole": [1, 2, 3],
            "text": ["a", None, "c"],
            "kind": pd.Categorical(["x", "y", "x"]),
            "day": pd.to_datetime(["2024-01-01", None, "2024-03-01"]),
            "flag": [True, False, True],
            "maybe": pd.array([1, None, 3], dtype="Int64"),
            "zoned": pd.date_range("2024-01-01", periods=3, tz="Europe/Paris"),
        },
        index=pd.Index(["i", "j", "k"], name="row"),
    )
    pd.testing.assert_frame_equal(through(frame), frame)
    pd.testing.assert_series_equal(through(frame["kind"]), frame["kind"])
    doubled = frame[["number", "number"]]
    pd.testing.assert_frame_equal(through(doubled), doubled)
    pd.testing.assert_frame_equal(through(pd.DataFrame(index=[1, 2])), pd.DataFrame(index=[1, 2]))


def test_shared_parts_stay_shared_and_circles_close():
    array = np.arange(3.0)
    shared = [array, array, {"again": array}]
    back = through(shared)
    assert back[0] is back[1] is back[2]["again"]
    loop: dict = {"name": "loop"}
    loop["self"] = loop
    back = through(loop)
    assert back["self"] is back
    caught: list = []
    inside = (caught,)
    caught.append(inside)
    back = through(caught)
    assert back[0][0] is back
    with pytest.raises(ModelFileError, match="contains itself"):
        encode({"model": inside}, Names())


@pytest.mark.parametrize(
    "value, named",
    [
        (lambda x: x, "lambda"),
        (open, "open"),
        (json, "module"),
        (json.loads, "loads"),
        (np.rec.array([(1, 2)]), "recarray"),
        (np.zeros(1, [("a", object)]), "structured type"),
        (type("Local", (), {})(), "Local"),
        (ValueError("x"), "ValueError"),
        (len, "len"),
        (pd.period_range("2024", periods=2, freq="M"), "PeriodIndex"),
    ],
    ids=lambda value: value if isinstance(value, str) else type(value).__name__,  # the same in every process
)
def test_what_cannot_be_stored_is_named_with_its_place(value, named):
    with pytest.raises(ModelFileError) as caught:
        encode({"model": {"outer": [1, value]}}, Names())
    assert named in str(caught.value)
    assert caught.value.operation == "save" and caught.value.where.startswith("model['outer'][1]")


@pytest.mark.parametrize(
    "node",
    [
        {"kind": "name", "of": "os:system"},
        {"kind": "name", "of": "builtins:eval"},
        {"kind": "name", "of": "numpy:load"},
        {"kind": "name", "of": "homespun.cli:main"},
        {"kind": "name", "of": "homespun.persist.model_file:save"},
        {"kind": "name", "of": "homespun.base.estimator:validate_data"},
        {"kind": "name", "of": "homespun.tabular.models:_custom"},
        {"kind": "name", "of": "homespun.data.reader:read"},
        {"kind": "name", "of": "homespun.base.lazy:lazy_names"},
        {"kind": "name", "of": "homespun.base.lazy:importlib"},
        {"kind": "name", "of": "homespun.base.lazy:importlib.import_module"},
        {"kind": "name", "of": "sklearn.datasets:load_files"},
        {"kind": "object", "class": "subprocess:Popen"},
        {"kind": "object", "class": "sklearn.pipeline:os"},
        {"kind": "object", "class": "numpy:log1p"},
        {"kind": "name", "of": "code:x.py:f"},
        {"kind": "name", "of": "homespun.no.such:Thing"},
        {"kind": "name", "of": "homespun.base.params:Constraint.__init__.__globals__"},
        {"kind": "ref", "to": 7},
        {"kind": "unknown"},
        {"kind": "list"},
        [1],
        {"kind": "array", "data": "none"},
        {"kind": "scalar", "dtype": "O", "bytes": "00" * 8},
        {"kind": "generator", "state": {"kind": "dict", "items": {"bit_generator": "x"}}},
        {"kind": "sparse", "class": "os", "parts": {}, "shape": []},
        {"kind": "object", "class": "builtins:int"},
    ],
    ids=str,
)
def test_a_crafted_node_is_refused(node):
    with pytest.raises(ModelFileError):
        decode({"model": node}, {}, Names())


def test_functions_that_compute_may_be_named():
    from homespun.linear_model.base import column_means
    from homespun.preprocessing.standard_scaler import column_moments

    assert through([column_means, column_moments]) == [column_means, column_moments]
    from sklearn.metrics import accuracy_score

    assert through(accuracy_score) is accuracy_score
