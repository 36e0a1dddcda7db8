"""The commands as a user types them: what they print, write and return, and how they refuse."""

import csv
import os
import subprocess
import sys

import pytest

from homespun.cli import run
from homespun.datasets import used_cars


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A folder with cars.csv, fresh.csv and a trained cars.homespun."""
    path = tmp_path_factory.mktemp("cli")
    used_cars(300, random_state=1).to_csv(path / "cars.csv", index=False)
    used_cars(40, random_state=2).drop(columns="price").to_csv(path / "fresh.csv", index=False)
    used_cars(80, random_state=3).to_csv(path / "known.csv", index=False)
    assert (
        run(
            [
                "fit",
                str(path / "cars.csv"),
                "--target",
                "price",
                "--models",
                "baseline,linear",
                "--folds",
                "3",
                "--out",
                str(path),
            ]
        )
        == 0
    )
    return path


@pytest.fixture
def call(folder, capsys, monkeypatch):
    """Run a command in that folder: (status, stdout, stderr)."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("HOMESPUN_PROGRESS", "0")

    def call(*arguments):
        capsys.readouterr()
        status = run(list(arguments))
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return status, said.out, said.err

    return call


def rows_of(path):
    return list(csv.DictReader(path.read_text(encoding="utf-8").splitlines()))


def test_fit_says_what_it_understood(call):
    status, out, _ = call(
        "fit", "cars.csv", "--target", "price", "--models", "baseline,linear", "--folds", "3", "--seed", "1"
    )
    assert status == 0
    assert (
        "300 rows, 20 columns" in out
        and "mileage" in out
        and "unit km" in out
        and "£" not in out.split("understood")[0]
    )
    lines = out.split("95 % interval\n")[1].splitlines()
    assert lines[0].split() == ["model", "score", "low", "high", "fit", "s", "predict", "s"]
    assert lines[1].split()[0] == "linear" and lines[2].split()[0] == "baseline"
    assert "best: linear" in out and "cars.homespun" in out


def test_predict(call, folder):
    status, out, _ = call("predict", "cars.homespun", "fresh.csv", "-o", "predictions.csv")
    assert status == 0 and "40 predictions" in out
    rows = rows_of(folder / "predictions.csv")
    assert len(rows) == 40 and all(float(row["prediction"]) > 0 for row in rows)
    status, out, _ = call("predict", "cars.homespun", "fresh.csv")
    assert status == 0 and out == (folder / "predictions.csv").read_text(encoding="utf-8")


def test_unseen_words_are_a_note(call, folder):
    rows = rows_of(folder / "fresh.csv")
    for i, row in enumerate(rows):
        row["fuel"] = "Steam" if i < 3 else "Wood" if i == 3 else row["fuel"]
    with open(folder / "steam.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    status, out, err = call("predict", "cars.homespun", "steam.csv")
    assert status == 0 and len(out.splitlines()) == 41
    assert "column 'fuel' has words in 4 of 40 rows" in err and "the model takes them for the most frequent one, 'Petrol'" in err
    assert "did not have" not in call("predict", "cars.homespun", "fresh.csv")[2]


def test_unknown_columns_are_a_note(call, folder):
    lines = (folder / "fresh.csv").read_text(encoding="utf-8").splitlines()
    (folder / "wide.csv").write_text(
        "\n".join([lines[0] + ",garage"] + [line + ",yes" for line in lines[1:]]), encoding="utf-8"
    )
    status, _, err = call("predict", "cars.homespun", "wide.csv", "-o", "wide_predictions.csv")
    assert status == 0 and err.startswith("homespun: note: ") and "'garage'" in err
    assert rows_of(folder / "wide_predictions.csv")[0]


def test_another_process_predicts_the_same(folder):
    subprocess.run(
        [sys.executable, "-m", "homespun.cli", "predict", "cars.homespun", "fresh.csv", "-o", "other.csv"],
        cwd=folder,
        check=True,
        env={**os.environ, "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
    )
    assert (
        run(["predict", str(folder / "cars.homespun"), str(folder / "fresh.csv"), "-o", str(folder / "mine.csv")]) == 0
    )
    assert (folder / "other.csv").read_text() == (folder / "mine.csv").read_text()


def test_validate(call):
    status, out, _ = call("validate", "cars.homespun", "known.csv")
    assert status == 0 and "median relative error" in out and "drift" in out
    status, _, err = call("validate", "cars.homespun", "fresh.csv")
    assert status == 1 and "'price' is missing" in err


def test_classes_get_probabilities(call, folder):
    assert (
        call(
            "fit",
            "cars.csv",
            "-t",
            "leather",
            "--models",
            "logistic",
            "--folds",
            "2",
            "-o",
            "leather.homespun",
            "--positive-class",
            "Yes",
        )[0]
        == 0
    )
    assert call("predict", "leather.homespun", "known.csv", "-o", "leather.csv")[0] == 0
    rows = rows_of(folder / "leather.csv")
    assert list(rows[0]) == ["prediction", "probability_No", "probability_Yes"] and rows[0]["prediction"] in (
        "Yes",
        "No",
    )


@pytest.mark.parametrize(
    "arguments, words",
    [
        (["fit", "cars.csv", "--target", "prize"], "did you mean 'price'"),
        (["fit", "car.csv", "--target", "price"], "did you mean 'cars.csv'"),
        (["fit", "cars.csv", "--target", "price", "--models", "linaer"], "did you mean 'linear'"),
        (["fit", "cars.csv", "--target", "fuel", "--task", "regression"], "is text, such as"),
        (["fit", "cars.csv", "--target", "price", "--task", "clustering"], "'clustering'"),
        (["fit", "cars.csv", "--target", "country"], "'United Kingdom' in every row"),
        (["fit", "cars.csv", "--target", "price", "--folds", "1"], "folds must be"),
        (["fit", "cars.csv", "--target", "price", "--time", "listed"], "did you mean 'listed_on'"),
        (["fit", "empty.csv", "--target", "price"], "is empty"),
        (["fit", "one.csv", "--target", "price"], "1 row"),
        (["fit", "blank.csv", "--target", "price"], "no value in any of"),
        (["fit", "cars.csv", "--target", "price", "--out", "cars.csv/deeper"], "cannot be"),
        (["predict", "cars.csv", "fresh.csv"], "cars.csv"),
        (["predict", "nothing.homespun", "fresh.csv"], "nothing.homespun"),
        (["predict", "cars.homespun", "nothing.csv"], "nothing.csv"),
        (["predict", "cars.homespun", "one.csv", "-o", "no/such/folder.csv"], "'no/such/folder.csv'"),
        (["predict", "cut.homespun", "fresh.csv"], "cut.homespun"),
        (["predict", "cars.homespun", "renamed.csv"], "did you mean 'Milage'"),
        (["prove", "no_such_kernel"], "no_such_kernel"),
        (["certify", "NoSuchModel"], "NoSuchModel"),
        (["new", "no/such/folder/model.py"], "folder"),
    ],
)
def test_mistakes_end_with_1_and_a_word(call, folder, arguments, words):
    (folder / "empty.csv").write_text("")
    (folder / "one.csv").write_text(
        "".join((folder / "cars.csv").read_text(encoding="utf-8").splitlines(keepends=True)[:2]), encoding="utf-8"
    )
    (folder / "blank.csv").write_text("mileage,price\n5 km,-\n6 km,\n7 km,?\n")
    (folder / "cut.homespun").write_bytes((folder / "cars.homespun").read_bytes()[:-100])
    (folder / "renamed.csv").write_text(
        (folder / "fresh.csv").read_text(encoding="utf-8").replace("mileage", "Milage", 1), encoding="utf-8"
    )
    status, _, err = call(*arguments)
    assert status == 1 and words in err and err.startswith("homespun: ")


@pytest.mark.parametrize(
    "arguments",
    [
        ["fit", "cars.csv"],
        ["fit", "--target", "price"],
        ["fly"],
        ["fit", "cars.csv", "-t", "price", "--folds", "many"],
        ["export", "cars.homespun", "--format", "cobol"],
        [],
    ],
)
def test_wrong_calls_end_with_2(call, arguments):
    assert call(*arguments)[0] == 2


def test_a_closed_pipe_is_no_mistake(folder):
    for arguments in (["inspect", "cars.csv"], ["predict", "cars.homespun", "cars.csv"]):
        command = [sys.executable, "-m", "homespun.cli", *arguments]
        with subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            process.stdout.close()  # as `head` does
            said = process.stderr.read().decode()
            assert (process.wait(), said) == (0, "")


def test_a_device_is_written_to_and_not_replaced(call, folder):
    os.mkfifo(folder / "pipe")
    reader = os.open(folder / "pipe", os.O_RDONLY | os.O_NONBLOCK)
    assert call("predict", "cars.homespun", "fresh.csv", "-o", "pipe")[0] == 0
    assert os.read(reader, 20).startswith(b"prediction\n")
    os.close(reader)
    assert (folder / "pipe").is_fifo()


def test_long_names_are_cut_in_messages(call, folder):
    (folder / "long.csv").write_text("a" * 500 + ",b\n1,2\n3,4\n")
    status, _, err = call("fit", "long.csv", "--target", "zzz")
    assert status == 1 and "a" * 59 + "…" in err and "a" * 60 not in err


def test_help_and_version(call):
    status, out, _ = call("--help")
    assert status == 0
    for command in ("fit", "predict", "validate", "export", "step", "new", "certify", "prove", "warmup"):
        assert f"\n  {command} " in out
        assert call(command, "--help")[0] == 0
    assert call("--version")[1].startswith("homespun ")


def test_a_full_disk_leaves_the_old_file(folder, monkeypatch):
    from pathlib import Path

    from homespun.base.files import write_whole

    path = folder / "kept.csv"
    path.write_text("old")
    monkeypatch.setattr(
        Path, "write_text", lambda *a, **k: (_ for _ in ()).throw(OSError(28, "No space left on device"))
    )
    with pytest.raises(OSError, match="No space"):
        write_whole(path, "new")
    assert path.read_bytes() == b"old" and not list(folder.glob(".kept*"))


def test_missing_extra_is_worded(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "typer", None)
    for name in [name for name in sys.modules if name.startswith("homespun.cli.")]:
        monkeypatch.delitem(sys.modules, name)
    assert run(["--help"]) == 1
    assert "homespun[table]" in capsys.readouterr().err


def test_workshop(call, folder):
    status, _, _ = call("new", "my_model.py")
    assert status == 0 and (folder / "my_model.py").exists()
    assert (
        call("fit", "cars.csv", "-t", "price", "--models", "my_model.py:MyModel", "--folds", "2", "-o", "own.homespun")[
            0
        ]
        == 0
    )
    status, _, err = call("predict", "own.homespun", "fresh.csv")
    assert status == 1 and "--code" in err
    assert call("predict", "own.homespun", "fresh.csv", "--code", "my_model.py", "-o", "own.csv")[0] == 0


def test_export(call, folder):
    status, _, _ = call("export", "cars.homespun", "--format", "python", "-o", "runner.py")
    assert status == 0 and (folder / "runner.py").exists()


def test_prove(call):
    status, out, _ = call("prove", "pairwise_distances")
    assert status == 0 and "largest difference" in out


def test_prove_lists_what_there_is(call):
    status, out, _ = call("prove")
    lines = out.splitlines()
    assert status == 0 and "kernels" in lines and "tree" in lines
    assert "euclidean_nearest" in lines[lines.index("kernels") + 1] and not any("_on_copy" in line for line in lines)
    assert max(map(len, lines)) <= 100
    status, _, err = call("prove", "euclidian_nearest")
    assert status == 1 and "did you mean 'euclidean_nearest'" in err


def test_prove_on_a_table_and_on_arrays(call, folder):
    import numpy as np

    status, out, _ = call("prove", "euclidean_nearest", "--data", "cars.csv")
    assert status == 0 and "X: float64 (300, " in out and "k: " in out and "agree" in out
    np.savez(folder / "given.npz", X=np.eye(7), Q=np.ones((3, 7)), k=2, unknown=np.ones(1))
    status, out, _ = call("prove", "euclidean_nearest", "--data", "given.npz")
    assert status == 0 and "Q: float64 (3, 7)" in out and "k: 2" in out
    status, _, err = call("prove", "bin_columns", "--data", "cars.csv")
    assert status == 1 and "takes (X, edges)" in err and "does not give edges" in err and "numpy.savez" in err
    status, _, err = call("prove", "euclidean_nearest", "--data", "gone.npz")
    assert status == 1 and "there is no file 'gone.npz'" in err


@pytest.mark.parametrize("command", [
    ("predict", "cars.homespun", "fresh.csv", "-o", "nowhere/p.csv"),
    ("report", "cars.homespun", "-o", "nowhere/r.html"),
    ("export", "cars.homespun", "-o", "nowhere/e.py"),
    ("export", "cars.homespun", "--format", "onnx", "-o", "nowhere/e.onnx"),
    ("certify", "Ridge", "--report", "nowhere/c.html"),
])
def test_a_folder_that_is_missing_is_named_before_any_work(call, monkeypatch, command):
    def worked(*_, **__):
        raise AssertionError("the work had begun")

    monkeypatch.setattr("homespun.persist.load", worked)
    monkeypatch.setattr("homespun.testing.certify_target", worked, raising=False)
    status, _, err = call(*command)
    assert status == 1 and "there is no folder 'nowhere'" in err


def test_an_output_that_cannot_be_a_file(call, folder):
    (folder / "taken").mkdir(exist_ok=True)
    status, _, err = call("predict", "cars.homespun", "fresh.csv", "-o", "taken")
    assert status == 1 and "'taken' is a folder" in err
    status, _, err = call("predict", "cars.homespun", "fresh.csv", "-o", "cars.csv/p.csv")
    assert status == 1 and "'cars.csv' is not a folder" in err
    status, _, err = call("fit", "cars.csv", "-t", "price", "--out", "cars.csv/here")
    assert status == 1 and "'cars.csv/here'" in err


def test_ctrl_c_before_a_model_is_finished_is_said(call, monkeypatch):
    def interrupted(*_, out, **__):
        out.with_suffix(".journal").mkdir()
        raise KeyboardInterrupt

    monkeypatch.setattr("homespun.tabular.fit", interrupted, raising=False)
    status, _, err = call("fit", "cars.csv", "-t", "price", "--out", "stopped")
    assert status == 130 and "no model was finished; --resume goes on" in err and err.endswith("homespun: interrupted\n")


def test_what_is_read_is_not_overwritten(call, folder):
    files = {name: (folder / name).read_bytes() for name in ("cars.homespun", "cars.csv", "fresh.csv")}
    (folder / "linked.csv").unlink(missing_ok=True)
    (folder / "linked.csv").symlink_to("fresh.csv")
    for arguments in (["predict", "cars.homespun", "fresh.csv", "-o", "fresh.csv"],
                      ["predict", "cars.homespun", "fresh.csv", "-o", "linked.csv"],
                      ["predict", "cars.homespun", "fresh.csv", "-o", "./cars.homespun"],
                      ["report", "cars.homespun", "-o", "cars.csv"],
                      ["report", "cars.homespun", "-o", "cars.homespun"],
                      ["export", "cars.homespun", "-o", "cars.homespun"]):
        status, _, err = call(*arguments)
        assert status == 1 and "would be overwritten" in err, arguments
    assert files == {name: (folder / name).read_bytes() for name in files}


def test_a_link_stays_a_link(call, folder):
    (folder / "link.csv").symlink_to("behind.csv")
    assert call("predict", "cars.homespun", "fresh.csv", "-o", "link.csv")[0] == 0
    assert (folder / "link.csv").is_symlink() and (folder / "behind.csv").read_text().startswith("prediction")


def test_commands_to_copy_work_with_blanks(call, folder):
    (folder / "My cars.homespun").write_bytes((folder / "cars.homespun").read_bytes())
    status, out, _ = call("export", "My cars.homespun", "--format", "docker")
    assert status == 0 and out.endswith("docker build -t my-cars 'My cars-docker'\n")
    assert call("report", "My cars.homespun", "-o", "blanks.html")[0] == 0
    page = (folder / "blanks.html").read_text(encoding="utf-8")
    assert "homespun serve &#39;My cars.homespun&#39; --port 8000" in page and ")by homespun" not in page
    assert call("verify", "blanks.html")[0] == 0


def test_a_table_on_the_standard_input(folder):
    def command(*arguments, given):
        return subprocess.run([sys.executable, "-m", "homespun.cli", *arguments], cwd=folder, input=given, capture_output=True,
                              env={**os.environ, "HOMESPUN_PROGRESS": "0"}, check=False)

    table = (folder / "fresh.csv").read_bytes()
    said = command("predict", "cars.homespun", "-", given=table)
    assert said.returncode == 0 and len(said.stdout.splitlines()) == 41
    shown = command("inspect", "-", given=table)
    assert shown.returncode == 0 and shown.stdout.startswith(b"standard input: 40 rows")
    made = command("fit", "-", "-t", "price", "--models", "baseline", "--folds", "2", "--out", "piped.homespun",
                   given=(folder / "cars.csv").read_bytes())
    assert made.returncode == 0 and made.stdout.startswith(b"standard input: 300 rows") and (folder / "piped.homespun").exists()
    kept = list(folder.glob("piped-input-*.csv"))  # or nobody could compute the report again
    assert [one.read_bytes() for one in kept] == [(folder / "cars.csv").read_bytes()] and kept[0].name.encode() in made.stdout
    checked = command("verify", "piped-report.html", given=b"")
    assert checked.returncode == 0 and b"nothing was altered" in checked.stdout, checked.stderr
    for options, given, status in ((["--no-report", "-t", "price"], (folder / "cars.csv").read_bytes(), 0),
                                   (["-t", "prize"], (folder / "cars.csv").read_bytes(), 1)):
        made = command("fit", "-", *options, "--models", "baseline", "--folds", "2", "--out", "bare.homespun", given=given)
        assert made.returncode == status and not list(folder.glob("bare-input-*")), made.stderr
    for name in ("predict", "validate"):
        empty = command(name, "cars.homespun", "-", given=b"")
        assert empty.returncode == 1 and b"nothing comes from it" in empty.stderr


def test_as_of(call, folder):
    rows = [f"{1990 + i % 30},{i % 5},{i % 30 * 100 + i}" for i in range(90)]
    (folder / "years.csv").write_text("\n".join(["year,seats,price", *rows]) + "\n")
    options = ("--models", "linear", "--folds", "2", "--task", "regression")
    assert "age to 2019-12-31" in call("fit", "years.csv", "-t", "price", *options)[1]
    status, then, err = call("predict", "years.homespun", "years.csv")
    assert status == 0 and "age in 'year' is counted to 2019-12-31 (where the training data end)" in err
    status, later, err = call("predict", "years.homespun", "years.csv", "--as-of", "2029-03-01")
    assert status == 0 and "counted to 2029-03-01" in err
    numbers = [[float(line) for line in text.splitlines()[1:]] for text in (then, later)]
    assert numbers[0][29] - numbers[1][29] == pytest.approx(1000, abs=20)
    assert "counted to 2029-03-01" in call("validate", "years.homespun", "years.csv", "--as-of", "2029-03-01")[1]
    status, _, err = call("predict", "years.homespun", "years.csv", "--as-of", "next week")
    assert status == 1 and "'next week'" in err
    assert "--as-of changes nothing" in call("predict", "cars.homespun", "fresh.csv", "--as-of", "today")[2]
    for name in ("predict", "validate", "serve"):
        assert "--as-of" in call(name, "--help")[1]


def test_group_or_time_that_is_the_target(call):
    for option in ("--group", "--time"):
        status, _, err = call("fit", "cars.csv", "-t", "price", option, "price")
        assert status == 1 and f"{option[2:]}='price' is the target" in err


def test_a_target_of_a_file_without_header(call, folder):
    (folder / "bare.csv").write_text("".join(f"{i},{i * 2},{'xyz'[i % 3]}\n" for i in range(30)))
    status, _, err = call("fit", "bare.csv", "-t", "price")
    assert status == 1 and "'column0'" in err and "no header" in err and "homespun inspect" in err
