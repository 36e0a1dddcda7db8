"""The report of a table: its numbers are those of the project, all of them come out again, and an altered one is caught."""

import re
import shutil
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

import homespun as hs
from homespun.cli import run
from homespun.datasets import used_cars
from homespun.errors import DataError
from homespun.metrics import r2_score
from homespun.report import verify
from homespun.tabular.leaks import find_leaks
from homespun.tabular.story import tell

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
# Chromium asks its makers' servers for this and that at every start; a test talks to nobody.
QUIET = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
         "--disable-component-update", "--disable-sync", "--host-resolver-rules=MAP * ~NOTFOUND"]


@pytest.fixture(scope="module")
def cars(tmp_path_factory):
    """(project, folder): trained by the command, which also wrote the report."""
    folder = tmp_path_factory.mktemp("cars")
    used_cars(400).to_csv(folder / "cars.csv", index=False)
    assert run(["fit", str(folder / "cars.csv"), "--target", "price", "--models", "baseline,linear,forest", "--budget", "12",
                "--folds", "3", "--out", str(folder)]) == 0
    return hs.load(folder / "cars.homespun"), folder


@pytest.fixture(scope="module")
def report(cars):
    project, folder = cars
    return tell(project, {"model": folder / "cars.homespun", "data": folder / "cars.csv"})


def test_fit_writes_a_report_that_is_confirmed(cars, capsys):
    _, folder = cars
    capsys.readouterr()
    assert run(["verify", str(folder / "cars-report.html")]) == 0
    said = capsys.readouterr().out
    assert "nothing was altered" in said and int(re.match(r"(\d+) numbers", said)[1]) > 100


def test_an_altered_score_ends_with_status_one(cars, report, capsys, tmp_path):
    _, folder = cars
    page = (folder / "cars-report.html").read_text()
    score = f"{report.facts['winner.score']:.3f}"
    for name in ("cars.csv", "cars.homespun"):
        shutil.copy(folder / name, tmp_path / name)
    (tmp_path / "r.html").write_text(page.replace(f">{score}<", ">0.999<", 1))
    assert run(["verify", str(tmp_path / "r.html")]) == 1
    assert f"winner.score: the page shows 0.999, {score} comes out" in capsys.readouterr().out


def test_the_scores_are_those_of_the_leaderboard_and_of_the_kept_predictions(cars, report):
    project, _ = cars
    for i, row in project.leaderboard.iterrows():
        assert report.facts[f"leaderboard.{i + 1}.score"] == pytest.approx(row["score"], abs=1e-12)
        assert report.facts[f"leaderboard.{i + 1}.low"] == pytest.approx(row["low"], abs=1e-12)
    truth, said = project.evidence_["truth"], project.evidence_["prediction"]
    assert report.facts["out_of_fold.R²"] == pytest.approx(r2_score(truth, said))
    assert report.facts["off.half"] == pytest.approx(np.median(np.abs(truth - said)))


def test_the_worst_segment_is_worse_than_all(cars, report):
    project, folder = cars
    label = next(row for section in report.sections if section.title == "Where it errs" for block in section.blocks
                 if block.kind == "grid" for row in block.rows)
    assert report.facts["segment.1.error"] > report.facts["segment.all"] and report.facts["segment.1.rows"] >= 30
    name, _, word = label[0].partition(": ")
    if word in set(pd.read_csv(folder / "cars.csv")[name].astype(str)):  # a word: count its error by hand
        frame = project.read(folder / "cars.csv").frame.iloc[project.evidence_["rows"]]
        mask = (frame[name].astype(str) == word).to_numpy()
        off = np.abs(project.evidence_["truth"] - project.evidence_["prediction"])[mask]
        assert report.facts["segment.1.error"] == pytest.approx(np.median(off))


def test_what_the_price_depends_on(report):
    order = [row[0] for section in report.sections if section.title == "What it depends on" for block in section.blocks
             if block.kind == "grid" for row in block.rows]
    assert order[0] == "registered" and {"model", "manufacturer", "mileage"} & set(order[1:4]) and "colour" not in order[:6]


def test_of_many_columns_those_are_measured_that_lose_most_at_first(tmp_path):
    """A table of 70 columns: the report says what it did not look at, finds the two that matter, and comes out again."""
    rng = np.random.default_rng(0)
    frame = pd.DataFrame(rng.normal(size=(400, 70)).round(3), columns=[f"x{i}" for i in range(70)])
    frame["y"] = 5 * frame["x41"] - 3 * frame["x7"] + rng.normal(size=400)
    frame.to_csv(tmp_path / "w.csv", index=False)
    project = hs.fit(tmp_path / "w.csv", "y", models=["ridge"], folds=3, budget=10, out=tmp_path)
    page = project.report(tmp_path / "r.html", data=tmp_path / "w.csv", model=tmp_path / "w.homespun")
    assert verify(page)
    report = tell(project, {"model": None, "data": tmp_path / "w.csv"})
    assert report.facts["importance.features"] == 70 and report.facts["importance.kept"] == 30
    section = next(one for one in report.sections if one.title == "What it depends on")
    assert "were measured that lost most when each was shuffled once" in section.blocks[0].text
    assert [row[0] for row in section.blocks[1].rows[:2]] == ["x41", "x7"]
    assert "importance.features" not in tell_few(tmp_path).facts


def tell_few(folder):
    frame = pd.DataFrame({"x": np.arange(100.0), "z": np.arange(100) % 7, "y": np.arange(100) * 2.0})
    return tell(hs.fit(frame, "y", models=["ridge"], folds=2, budget=5), {"model": None, "data": frame})


def test_years_and_identifiers_have_no_commas_and_flags_are_flags(tmp_path):
    rng = np.random.default_rng(0)
    frame = pd.DataFrame({"built": rng.integers(1980, 2021, 300), "abs": rng.choice(["ON", "OFF"], 300),
                          "listing_id": np.arange(300) + 45_000, "metres": rng.integers(5_000, 90_000, 300)})
    frame["price"] = (frame["built"] - 1970) * 100.0 + rng.normal(size=300).round(2)
    page = hs.fit(frame, "price", models=["ridge"], folds=3, budget=5).report(tmp_path / "r.html", data=frame).read_text()
    assert re.search(r'data-key="column.built.least"[^>]*>1980<', page) and ">flag<" in page
    assert re.search(r'data-key="column.listing_id.least"[^>]*>45000<', page)
    assert re.search(r'data-key="column.metres.most"[^>]*>8\d,\d{3}<', page)
    assert "built: 1,9" not in page and ">stratify<" not in page  # what was not set is not listed


def test_two_classes_and_many(tmp_path):
    cars = used_cars(300, random_state=2)
    for target, pictures in (("gearbox", 4), ("fuel", 3)):
        cars.to_csv(tmp_path / "c.csv", index=False)
        model = tmp_path / f"{target}.homespun"
        project = hs.fit(tmp_path / "c.csv", target, models=["baseline", "logistic"], folds=3, budget=8, out=model)
        page = project.report(tmp_path / f"{target}.html", data=tmp_path / "c.csv", model=model)
        found = verify(page)
        assert found and found.pictures >= pictures, str(found)
        facts = tell(project, {"model": model, "data": tmp_path / "c.csv"}).facts
        rows = [facts[f"class.{k}.rows"] for k in range(len(project.classes))]
        assert sum(rows) == len(project.evidence_["truth"])


def test_leaks_are_named_by_fit_and_in_the_report(tmp_path):
    cars = used_cars(300, random_state=3)
    cars["price_with_tax"] = cars["price"].str.replace("£", "").str.replace(",", "").astype(float) * 1.2
    cars.to_csv(tmp_path / "c.csv", index=False)
    project = hs.fit(tmp_path / "c.csv", "price", models=["linear"], folds=3, budget=8, out=tmp_path)
    assert any("possible leak (copy): 'price_with_tax'" in note for note in project.warnings)
    page = project.report(tmp_path / "r.html", data=tmp_path / "c.csv", model=tmp_path / "c.homespun").read_text()
    assert page.count("possible leak (copy): &#39;price_with_tax&#39;") == 1
    assert find_leaks(hs.read(cars.drop(columns="price_with_tax")).frame, "price") == []


def test_a_dataframe_gives_a_report_that_says_it_cannot_be_computed_again(tmp_path):
    cars = used_cars(200, random_state=4)
    project = hs.fit(cars, "price", models=["linear"], folds=3, budget=8)
    page = project.report(tmp_path / "r.html", data=cars)
    assert "a dataframe" in page.read_text()
    with pytest.raises(DataError, match="nothing can be computed again"):
        verify(page)


def test_searches_on_a_part_of_the_rows_say_so(tmp_path, monkeypatch):
    assert "drawn by chance" not in tell_few(tmp_path).html()
    monkeypatch.setattr(sys.modules["homespun.tabular.leaks.find"], "MOST", 60)
    for name in ("MOST", "SOME"):
        monkeypatch.setattr(sys.modules["homespun.tabular.story.data"], name, 60)
    part = tell_few(tmp_path).html()
    assert part.count("drawn by chance") == 2 and part.count('data-key="leaks.rows" value="60"') == 1
    assert part.count('data-key="collinearity.rows" value="60"') == 1


def test_names_are_no_formulas(tmp_path):
    rng = np.random.default_rng(0)
    x = rng.normal(size=90)
    kinds = np.array(["low $x_{$ {braces} <b>", "a word that is far too long for the side of a picture", "high $\\frac$"])
    frame = pd.DataFrame({"cost $\\frac$": x, "{winner.score} {0}": rng.choice(["$_$", "b"], 90),
                          "kind of $y_{$": kinds[np.searchsorted([-0.4, 0.4], x)]})
    for target in ("kind of $y_{$", "cost $\\frac$"):
        project = hs.fit(frame, target, models=["baseline", "linear"], folds=3)
        page = project.report(tmp_path / "r.html", data=frame).read_text()
        assert "cost $\\frac$</text>" in page  # as it is written, in a picture
    assert "{winner.score} {0}" in page


def test_a_folder_of_files_gives_a_report_too(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "parts").mkdir()
    for part in range(2):
        used_cars(60, random_state=part).to_csv(tmp_path / "parts" / f"{part}.csv", index=False)
    assert run(["fit", "parts", "-t", "price", "--models", "baseline,linear", "--folds", "2", "-o", "out"]) == 0
    assert run(["report", "out/model.homespun", "--data", "parts", "-o", "again.html"]) == 0
    assert (tmp_path / "again.html").read_text() == (tmp_path / "out/model-report.html").read_text()
    assert run(["report", "out/model.homespun"]) == 1
    assert "not trained on one file" in capsys.readouterr().err
    with pytest.raises(DataError, match="nothing can be computed again"):
        verify(tmp_path / "out/model-report.html")


def test_other_data_is_refused(cars, tmp_path):
    project, folder = cars
    used_cars(400, random_state=9).to_csv(tmp_path / "other.csv", index=False)
    with pytest.raises(DataError, match=r"not the data that the model was trained on.*'price'"):
        tell(project, {"model": folder / "cars.homespun", "data": tmp_path / "other.csv"})
    arguments = ["report", str(folder / "cars.homespun"), "--data", str(tmp_path / "other.csv"), "-o", str(tmp_path / "r.html")]
    assert run(arguments) == 1
    assert not (tmp_path / "r.html").exists()


def test_the_command_finds_the_data_beside_the_model_and_says_when_it_does_not(cars, tmp_path, capsys, monkeypatch):
    _, folder = cars
    monkeypatch.chdir(tmp_path)
    assert run(["report", str(folder / "cars.homespun"), "-o", "r.html"]) == 0
    assert (tmp_path / "r.html").read_text() == (folder / "cars-report.html").read_text()
    shutil.copy(folder / "cars.homespun", tmp_path / "alone.homespun")
    capsys.readouterr()
    assert run(["report", "alone.homespun"]) == 1
    assert "'cars.csv' is neither beside the model nor here" in capsys.readouterr().err


@pytest.mark.skipif(BROWSER is None, reason="no Chromium here; .ci/run installs it")
def test_the_report_in_a_browser_and_on_paper(cars, tmp_path):
    page = cars[1] / "cars-report.html"
    command = [BROWSER, *QUIET, f"--user-data-dir={tmp_path / 'profile'}"]
    seen = subprocess.run([*command, "--dump-dom", page.as_uri()], capture_output=True, text=True, timeout=90).stdout
    assert seen.count("<svg") >= 4 and "What to distrust" in seen
    assert 'src="http' not in seen and 'href="http' not in seen
    paper = tmp_path / "report.pdf"
    subprocess.run([*command, f"--print-to-pdf={paper}", page.as_uri()], capture_output=True, timeout=90, check=True)
    assert paper.stat().st_size > 30_000  # empty pages are 10 kB
