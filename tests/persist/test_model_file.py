"""Model files: pipelines through a file and back, damage of every kind, interrupted writes, custom code."""

import builtins
import errno
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
import persist_models
import pytest
import safetensors.numpy
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.compose import ColumnTransformer, TransformedTargetRegressor, make_column_selector
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, StandardScaler

import homespun.persist as persist
from homespun.errors import ModelFileError
from homespun.persist import container, model_file
from homespun.preprocessing import MinMaxScaler

RNG = np.random.default_rng(0)
X = RNG.normal(5, 3, (40, 3))
Y = X @ [1.0, -2.0, 0.5] + RNG.normal(size=40)
FRAME = pd.DataFrame({"km": X[:, 0], "make": np.where(X[:, 1] > 5, "vw", "bmw"), "age": X[:, 2]})
CODE = persist_models.__file__


@pytest.fixture
def saved(tmp_path):
    return persist.save(
        StandardScaler().fit(X),
        tmp_path / "scaler.homespun",
        sample=X[:5],
        record={"rows": 40},
        reference={"mean": [5.0]},
    )


def cars_pipeline():
    columns = ColumnTransformer(
        [
            (
                "numbers",
                Pipeline([("log", FunctionTransformer(np.abs)), ("scale", StandardScaler())]),
                make_column_selector(dtype_include="number"),
            ),
            ("words", OneHotEncoder(handle_unknown="ignore", sparse_output=False), ["make"]),
        ]
    )
    both = FeatureUnion([("all", columns), ("one", ColumnTransformer([("km", "passthrough", ["km"])]))])
    inner = Pipeline([("columns", both), ("model", persist_models.MeanRegressor())])
    return TransformedTargetRegressor(inner, func=np.log1p, inverse_func=np.expm1).fit(FRAME, np.abs(Y))


def test_a_pipeline_in_plumbing_comes_back(tmp_path):
    model = cars_pipeline()
    path = persist.save(model, tmp_path / "cars.homespun", sample=FRAME.head(), record={"rows": len(FRAME)})
    back = persist.load(path, allow_code=CODE)
    np.testing.assert_array_equal(back.predict(FRAME), model.predict(FRAME))
    assert type(back.regressor_.steps[0][1].transformer_list[0][1]) is ColumnTransformer
    told = persist.describe(path)
    assert told["contract"] == {
        "n_features": 3,
        "features": ["km", "make", "age"],
        "dtypes": [str(dtype) for dtype in FRAME.dtypes],
    }
    assert told["record"] == {"rows": 40} and told["class"].endswith("TransformedTargetRegressor")
    assert list(told["code"]) == ["persist_models.py"] and told["bytes"] == path.stat().st_size


def test_a_search_comes_back(tmp_path):
    search = GridSearchCV(
        Pipeline([("scale", StandardScaler()), ("mean", persist_models.MeanRegressor())]),
        {"mean__shift": [0.0, 1.0]},
        cv=KFold(3, shuffle=True, random_state=np.random.RandomState(0)),
        scoring="r2",
    ).fit(X, Y)
    back = persist.load(persist.save(search, tmp_path / "search"), allow_code=CODE)
    assert back.best_params_ == search.best_params_ and back.score(X, Y) == search.score(X, Y)
    np.testing.assert_array_equal(back.cv_results_["param_mean__shift"], search.cv_results_["param_mean__shift"])


def test_another_process_predicts_the_same_bits(tmp_path):
    path = persist.save(cars_pipeline(), tmp_path / "cars.homespun")
    FRAME.to_json(tmp_path / "rows.json", double_precision=15)
    script = (
        "import sys, pandas as pd, homespun.persist as p; frame = pd.read_json(sys.argv[1]);"
        "print(p.load(sys.argv[2], allow_code=sys.argv[3]).predict(frame).tobytes().hex())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "rows.json", path, CODE], capture_output=True, text=True, check=True
    )
    here = persist.load(path, allow_code=CODE).predict(pd.read_json(tmp_path / "rows.json"))
    assert done.stdout.strip() == here.tobytes().hex()


def test_any_safetensors_reader_opens_it(saved):
    arrays = safetensors.numpy.load_file(saved)
    assert any(np.array_equal(array, X.mean(axis=0)) for array in arrays.values())
    with safetensors.safe_open(saved, "np") as file:
        assert file.metadata()["class"].endswith("StandardScaler") and json.loads(file.metadata()["record"]) == {"rows": 40}


def test_the_same_model_is_the_same_file(tmp_path):
    model = StandardScaler().fit(X)
    assert persist.save(model, tmp_path / "a").read_bytes() == persist.save(model, tmp_path / "b").read_bytes()


def test_no_pickle_is_opened(saved, monkeypatch):
    real = builtins.__import__

    def guarded(name, *args, **kwargs):
        assert name.partition(".")[0] not in ("pickle", "joblib", "dill", "cloudpickle", "_pickle"), name
        return real(name, *args, **kwargs)

    import pickle

    monkeypatch.setattr(builtins, "__import__", guarded)
    for name in ("load", "loads", "Unpickler"):
        monkeypatch.setattr(pickle, name, None)
    assert persist.load(saved).transform(X[:1]).shape == (1, 3)


# ---------------------------------------------------------------------------------------------------------------------
# Damage


def test_every_single_flipped_byte_is_noticed(tmp_path):
    model = StandardScaler().fit(X)
    path = persist.save(model, tmp_path / "m.homespun")
    good = path.read_bytes()
    for position in range(len(good)):
        bad = bytearray(good)
        bad[position] ^= 1 << (position % 8)
        path.write_bytes(bad)
        with pytest.raises(ModelFileError):
            persist.load(path)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_cut_stretched_and_scrambled_files(saved, data):
    good = saved.read_bytes()
    start = data.draw(st.integers(0, len(good) - 1))
    kind = data.draw(st.sampled_from(["cut", "longer", "hole", "noise", "twice"]))
    bad = {
        "cut": good[:start],
        "longer": good + bytes(1 + start % 9),
        "hole": good[:start] + good[start + 1 :],
        "noise": good[:start] + bytes((byte ^ 0x5A) for byte in good[start : start + 50]) + good[start + 50 :],
        "twice": good[:start] + good[start : start + 8] + good[start:],
    }[kind]
    path = saved.with_name("bad")
    path.write_bytes(bad)
    with pytest.raises(ModelFileError):
        persist.load(path)
    with pytest.raises(ModelFileError):
        persist.describe(path)


def rewritten(path, **texts):
    """The file with other header texts and a digest that fits: what a later version, or an attacker, would write."""
    _, arrays, _ = container.read(path)
    old = {name: text for name, text in container.read(path)[0].items() if name not in ("format", "format_version", "sha256")}
    container.write(path, {**old, **texts}, arrays)
    return path


def test_words_for_each_kind_of_wrong_file(saved, tmp_path, monkeypatch):
    def words(content, name="other.homespun"):
        path = tmp_path / name
        path.write_bytes(content)
        with pytest.raises(ModelFileError) as caught:
            persist.load(path)
        assert caught.value.where == str(path) and str(path) in str(caught.value)
        return str(caught.value)

    good = saved.read_bytes()
    assert "truncated" in words(good[:-10]) and f"{len(good) - 10} bytes" in words(good[:-10])
    assert "truncated" in words(good[:100])
    assert "altered" in words(good[:-1] + bytes([good[-1] ^ 1]))
    assert "empty" in words(b"")
    assert "pickle" in words(b"\x80\x05\x95" + bytes(100))
    assert "ZIP" in words(b"PK\x03\x04" + bytes(100))
    assert "text" in words(b"price,km\n1,2\n")
    assert "another program" in words(safetensors.numpy.save({"x": np.zeros(3)}, metadata={"format": "np"}))
    with pytest.raises(ModelFileError, match=r"no such file.*did you mean 'scaler.homespun'"):
        persist.load(tmp_path / "scalar.homespun")
    with pytest.raises(ModelFileError, match=r"directory"):
        persist.load(tmp_path)


def test_a_newer_file_made_by_hand(tmp_path):
    """As another version may write it: array types, fields and a kind of digest that this one has never heard of."""
    header = {
        "__metadata__": {"format": "homespun", "format_version": "2", "homespun": "9.1", "blake3": "00", "sha256": ""},
        "a": {"dtype": "BF16", "shape": [4], "data_offsets": [0, 8], "codec": "zstd"},
    }
    text = json.dumps(header).encode()
    newer = tmp_path / "newer.homespun"
    newer.write_bytes(len(text).to_bytes(8, "little") + text + bytes(8))
    for read in (persist.load, persist.describe):
        with pytest.raises(ModelFileError, match=r"newer homespun \(9.1, file format 2\).*up to 1") as caught:
            read(newer)
        assert caught.value.operands == {"format_version": 2} and "upgrade" in caught.value.suggestion


@pytest.mark.parametrize("path", [None, 3, "", ["m.homespun"]], ids=repr)
def test_what_is_no_file_name_is_refused_in_words(path):
    for operation, call in (
        ("save", lambda: persist.save(StandardScaler().fit(X), path)),
        ("save", lambda: persist.export_python(MinMaxScaler().fit(X), path)),
        ("load", lambda: persist.load(path)),
        ("load", lambda: persist.describe(path)),
    ):
        with pytest.raises(ModelFileError, match=r"must be the name of a file") as caught:
            call()
        assert caught.value.operation == operation and caught.value.operands == {"path": path}
        assert (type(path).__name__ if isinstance(path, list) else repr(path)) in str(caught.value)


def test_bytes_name_a_file_too(tmp_path):
    path = persist.save(StandardScaler().fit(X), os.fsencode(tmp_path / "m.homespun"))
    assert path == tmp_path / "m.homespun" and persist.load(os.fsencode(path)).n_features_in_ == X.shape[1]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_an_unreadable_file(saved):
    saved.chmod(0)
    with pytest.raises(ModelFileError, match=r"Permission"):
        persist.load(saved)


def test_a_file_that_lies_about_a_class(saved):
    _, arrays, _ = container.read(saved)
    tree = json.loads(arrays["#tree"].tobytes())
    tree["model"]["class"] = "subprocess:Popen"
    arrays["#tree"] = np.frombuffer(json.dumps(tree).encode(), np.uint8)
    texts = {name: text for name, text in container.read(saved)[0].items() if name not in ("format", "format_version", "sha256")}
    container.write(saved, texts, arrays)
    with pytest.raises(ModelFileError, match=r"subprocess:Popen.*not in the list"):
        persist.load(saved)


def test_naming_a_module_does_not_import_it(saved):
    """Names are looked up in the list first: a module outside is never touched, whatever the digest says."""
    script = (
        "import json, sys, numpy as np, homespun.persist as p\n"
        "from homespun.persist import container\n"
        "texts, arrays, _ = container.read(sys.argv[1])\n"
        "texts = {name: text for name, text in texts.items() if name not in ('format', 'format_version', 'sha256')}\n"
        "tree = json.loads(arrays['#tree'].tobytes())\n"
        "for name in ('antigravity:geohash', 'homespun.cli.app:main', 'this:s', 'sklearn.datasets:fetch_openml'):\n"
        "    tree['model']['class'] = name\n"
        "    arrays['#tree'] = np.frombuffer(json.dumps(tree).encode(), np.uint8)\n"
        "    container.write(sys.argv[1], texts, arrays)\n"
        "    try: p.load(sys.argv[1])\n"
        "    except p.model_file.ModelFileError as error: print('refused')\n"
        "print(sorted({'antigravity', 'this', 'homespun.cli', 'sklearn.datasets', 'pickle_'} & set(sys.modules)))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, saved], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:5] == ["refused"] * 4 + ["[]"]


NODES = st.sampled_from(
    [None, True, -1, 2**70, "x", [], {}, {"kind": "ref", "to": 1}, {"kind": "list", "items": [1]}, {"kind": "array"}]
)


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_forged_tree_with_a_good_digest_ends_in_words(forged, data):
    """Change one node anywhere in the tree: the file loads, or is refused; nothing else happens."""
    texts, arrays, tree, path = forged
    tree = json.loads(json.dumps(tree))
    places: list = []

    def walk(node):
        for key in node if isinstance(node, dict) else range(len(node)):
            places.append((node, key))
            if isinstance(node[key], (dict, list)):
                walk(node[key])

    walk(tree)
    node, key = places[data.draw(st.integers(0, len(places) - 1))]
    node[key] = data.draw(NODES)
    container.write(path, texts, arrays | {"#tree": np.frombuffer(json.dumps(tree).encode(), np.uint8)})
    try:
        persist.load(path, self_test=False)
    except ModelFileError as error:
        assert str(path) in str(error)


@pytest.fixture(scope="module")
def forged(tmp_path_factory):
    import scipy.sparse

    model = StandardScaler().fit(X)
    model.extra_ = [
        np.array(["a", None], object),
        scipy.sparse.csr_matrix(np.eye(2)),
        np.float32(1),
        np.random.default_rng(0),
        {1: (2, 3)},
        FRAME.head(2),
    ]
    path = persist.save(model, tmp_path_factory.mktemp("forged") / "m")
    texts, arrays, _ = container.read(path)
    tree = json.loads(arrays["#tree"].tobytes())
    return {name: text for name, text in texts.items() if name not in ("format", "format_version", "sha256")}, arrays, tree, path


def test_a_self_test_holds_rows_and_names_no_file(tmp_path):
    path = tmp_path / "model.homespun"
    with pytest.raises(ModelFileError, match="must be rows, got str"):
        persist.save(StandardScaler().fit(X), path, sample="fresh.csv")

    class Reader(StandardScaler):  # as a Project, which reads the file that it is given
        def transform(self, where):
            raise AssertionError(f"{where} was opened")

    for place in ("/etc/hostname", Path("/etc/hostname")):
        with pytest.raises(ModelFileError, match="names a file"):
            model_file._check(Reader(), {"sample": place, "answers": {"transform": X}}, path, exact=True)


def test_the_self_test_is_asked(saved):
    _, arrays, _ = container.read(saved)
    name = next(name for name in arrays if name.endswith("scale_"))
    versions = json.loads(container.read(saved)[0]["versions"])
    texts = {name: text for name, text in container.read(saved)[0].items() if name not in ("format", "format_version", "sha256")}
    arrays[name] = arrays[name] * (1 + 1e-9)  # a model that was changed on purpose, with a digest that fits
    container.write(saved, texts, arrays)
    with pytest.raises(ModelFileError, match=r"self-test.*transform differs.*to the last bit") as caught:
        persist.load(saved)
    assert 0 < caught.value.operands["difference"] < 1e-8
    persist.load(saved, self_test=False)
    persist.load(rewritten(saved, versions=json.dumps(versions | {"level": "another"})))  # other machines may round otherwise
    arrays[name] = arrays[name] * 1.1
    container.write(saved, texts | {"versions": json.dumps(versions | {"level": "another"})}, arrays)
    with pytest.raises(ModelFileError, match=r"agree to 1e-05"):
        persist.load(saved)


# ---------------------------------------------------------------------------------------------------------------------
# Saving that fails


def nothing_left(directory):
    assert [path.name for path in directory.iterdir() if path.name.endswith(".tmp")] == []


@pytest.mark.parametrize("call", ["fsync", "write", "replace"])
def test_disk_full_keeps_the_old_file(saved, monkeypatch, call):
    before = saved.read_bytes()

    def full(*args, **kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    if call == "write":
        real = builtins.open

        def opened(path, mode="r", *args, **kwargs):
            file = real(path, mode, *args, **kwargs)
            if "x" in mode:
                left = [200]

                class Small:
                    def __enter__(self):
                        return self

                    def __exit__(self, *error):
                        file.close()

                    def fileno(self):
                        return file.fileno()

                    def write(self, data):
                        left[0] -= len(data)
                        return file.write(data) if left[0] > 0 else full()

                return Small()
            return file

        monkeypatch.setattr(builtins, "open", opened)
    else:
        monkeypatch.setattr(os, call, full)
    with pytest.raises(ModelFileError, match=r"disk is full.*unchanged") as caught:
        persist.save(StandardScaler().fit(2 * X), saved)
    monkeypatch.undo()
    assert caught.value.operation == "save" and caught.value.where == str(saved)
    assert saved.read_bytes() == before
    nothing_left(saved.parent)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_really_full_device(tmp_path):
    with open("/dev/full", "wb", buffering=0) as device, pytest.raises(OSError, match=r"No space"):
        device.write(b"x")


def test_a_limit_of_the_system_keeps_the_old_file(saved):
    """No stand-in: the system itself stops the write in its middle (a file of at most 4 kB)."""
    before = saved.read_bytes()
    script = (
        "import resource, sys, numpy as np, homespun.persist as p; from sklearn.preprocessing import StandardScaler\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))\n"
        "scaler = StandardScaler(); scaler.mean_ = np.zeros(10_000)\n"
        "try: p.save(scaler, sys.argv[1])\n"
        "except p.model_file.ModelFileError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script, saved], capture_output=True, text=True, check=True)
    assert "File too large. The file that was there before is unchanged" in done.stdout
    assert saved.read_bytes() == before
    nothing_left(saved.parent)


def test_a_full_file_system_keeps_the_old_file(saved, tmp_path):
    """Where the tests may mount one: a file system of 64 kB."""
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True)
    if mounted.returncode:
        pytest.skip("mounting a small file system is not allowed here")
    try:
        path = persist.save(StandardScaler().fit(X), small / "m.homespun")
        before = path.read_bytes()
        large = StandardScaler().fit(X)
        large.extra_ = np.zeros(100_000)
        with pytest.raises(ModelFileError, match=r"the disk is full.*unchanged") as caught:
            persist.save(large, path)
        assert caught.value.rule == "the disk is full" and path.read_bytes() == before
        assert [one.name for one in small.iterdir()] == ["m.homespun"]
    finally:
        subprocess.run(["umount", small], check=True)


def test_leftovers_of_killed_savers_are_swept_and_live_files_are_not(tmp_path):
    path = tmp_path / "model[1].homespun"  # brackets mean something to glob
    script = (
        "import os, sys, time, homespun.persist.container as c\n"
        "with c._replacing(c._target(sys.argv[1])) as file:\n"
        "    file.write(b'half'); file.flush(); print('writing', flush=True); sys.stdin.readline()\n"
    )

    def saver():
        child = subprocess.Popen([sys.executable, "-c", script, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        child.stdout.readline()
        return child

    def drafts():
        return {one.name.rpartition("-")[0].rpartition(".")[2] for one in tmp_path.iterdir() if one.suffix == ".tmp"}

    live, killed = saver(), saver()
    other = tmp_path / ".another.homespun.1-00000000.tmp"
    other.write_bytes(b"not ours")
    try:
        assert drafts() >= {str(live.pid), str(killed.pid)}
        killed.kill()
        killed.wait()
        assert str(killed.pid) in drafts()
        persist.save(StandardScaler().fit(X), path)
        assert drafts() == {str(live.pid), "1"} and other.exists()
    finally:
        live.communicate(b"\n")
        killed.communicate()
    assert live.returncode == 0 and path.read_bytes() == b"half"


def test_an_interrupt_keeps_the_old_file(saved, monkeypatch):
    before = saved.read_bytes()

    def interrupted(*args):
        raise KeyboardInterrupt

    monkeypatch.setattr(os, "fsync", interrupted)
    with pytest.raises(KeyboardInterrupt):
        persist.save(StandardScaler().fit(2 * X), saved)
    assert saved.read_bytes() == before
    nothing_left(saved.parent)


def test_kill_while_saving_leaves_a_whole_file(tmp_path):
    path = tmp_path / "model.homespun"
    script = (
        "import sys, numpy as np, homespun.persist as p; from sklearn.preprocessing import StandardScaler\n"
        "print('ready', flush=True)\n"
        "for turn in range(10**6):\n"
        "    scaler = StandardScaler(); scaler.mean_ = np.full(300_000, float(turn)); scaler.turn_ = turn\n"
        "    p.save(scaler, sys.argv[1])\n"
    )
    for wait in (0.12, 0.25):
        child = subprocess.Popen([sys.executable, "-c", script, path], stdout=subprocess.PIPE)
        child.stdout.readline()
        while not path.exists():
            time.sleep(0.01)
        time.sleep(wait)
        child.send_signal(signal.SIGKILL)
        child.wait()
        child.stdout.close()
        model = persist.load(path)
        assert np.all(model.mean_ == model.turn_)


def test_many_savers_and_readers_at_once(tmp_path):
    path = persist.save(StandardScaler().fit(X), tmp_path / "m")
    wrong = []

    def work(number):
        for turn in range(15):
            scaler = StandardScaler()
            scaler.mean_, scaler.who_ = np.full(1000, number * 100.0 + turn), number * 100 + turn
            persist.save(scaler, path)
            back = persist.load(path)
            if not (hasattr(back, "who_") and np.all(back.mean_ == back.who_)):
                wrong.append(number)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong
    nothing_left(tmp_path)


def test_places_that_cannot_be_written(tmp_path):
    with pytest.raises(ModelFileError, match=r"it is a directory"):
        persist.save(StandardScaler(), tmp_path)
    with pytest.raises(ModelFileError, match=r"there is no directory"):
        persist.save(StandardScaler(), tmp_path / "no" / "m.homespun")
    real = persist.save(StandardScaler(), tmp_path / "real")
    (tmp_path / "link").symlink_to(real)
    persist.save(StandardScaler().fit(X), tmp_path / "link")
    assert (tmp_path / "link").is_symlink() and hasattr(persist.load(real), "mean_")
    real.chmod(0o640)
    persist.save(StandardScaler(), real)
    assert real.stat().st_mode & 0o777 == 0o640


def test_a_record_that_json_cannot_say(tmp_path):
    with pytest.raises(ModelFileError, match=r"record holds a object"):
        persist.save(StandardScaler(), tmp_path / "m", record={"x": object()})
    path = persist.save(
        StandardScaler(),
        tmp_path / "m",
        record={"x": np.float64(1.5), "when": pd.Timestamp("2024-01-01"), "a": np.arange(2)},
    )
    assert persist.describe(path)["record"] == {"x": 1.5, "when": "2024-01-01T00:00:00", "a": [0, 1]}


# ---------------------------------------------------------------------------------------------------------------------
# Custom code


def test_custom_code_needs_leave(tmp_path):
    path = persist.save(persist_models.NearestMean().fit(X, Y > 0), tmp_path / "mine.homespun", sample=X[:3])
    with pytest.raises(ModelFileError, match=r"custom code, persist_models.py.*--code persist_models.py") as caught:
        persist.load(path)
    assert "allow_code" in caught.value.suggestion
    other = tmp_path / "persist_models.py"
    shutil.copy(CODE, other)
    np.testing.assert_array_equal(
        persist.load(path, allow_code=other).predict(X), (persist_models.NearestMean().fit(X, Y > 0)).predict(X)
    )
    other.write_text(other.read_text() + "\nimport sys; sys.exit('this must not run')\n")
    with pytest.raises(ModelFileError, match=r"saved with another persist_models.py"):
        persist.load(path, allow_code=[other])
    with pytest.raises(ModelFileError, match=r"cannot be read"):
        persist.load(path, allow_code=tmp_path / "missing.py")
    assert persist.describe(path)["code"]["persist_models.py"]["source"] == Path(CODE).read_text()


def test_a_loaded_custom_model_can_be_saved_again(tmp_path):
    first = persist.save(persist_models.MeanRegressor().fit(X, Y), tmp_path / "first")
    second = persist.save(persist.load(first, allow_code=CODE), tmp_path / "second")
    assert persist.load(second, allow_code=CODE).mean_ == Y.mean()


def test_code_that_changed_since_it_was_loaded(tmp_path):
    mine = tmp_path / "mine.py"
    shutil.copy(CODE, mine)
    path = persist.save(persist_models.MeanRegressor().fit(X, Y), tmp_path / "model")
    model = persist.load(path, allow_code=mine)
    before = mine.read_text()
    mine.write_text("# edited while the model was in memory\n" + before)
    again = persist.save(model, tmp_path / "again")
    assert persist.describe(again)["code"]["mine.py"]["source"] == before  # what the model was made with


def test_a_class_of_another_library_is_refused(tmp_path):
    from sklearn.tree import DecisionTreeRegressor

    model = Pipeline([("scale", StandardScaler()), ("tree", DecisionTreeRegressor())]).fit(X, Y)
    with pytest.raises(ModelFileError, match=r"model\.steps\[1\]\[1\], a DecisionTreeRegressor") as caught:
        persist.save(model, tmp_path / "m")
    assert caught.value.where.startswith("model.steps[1][1]") and not (tmp_path / "m").exists()


@pytest.mark.parametrize("what, words", [(object(), "an object"), ([1, 2], "a list"), (len, "a builtin_function_or_method")])
def test_what_is_no_model_is_not_saved(what, words, tmp_path):
    with pytest.raises(ModelFileError, match=f"cannot save {words}: it has neither fit nor predict") as caught:
        persist.save(what, tmp_path / "m")
    assert caught.value.suggestion and not list(tmp_path.iterdir())
