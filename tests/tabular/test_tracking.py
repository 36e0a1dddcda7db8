"""Projects in MLflow: what is logged is what the record holds, and a store that refuses costs nothing."""

import subprocess
import sys

import pytest

import homespun as hs
from homespun.base.errors import DataError


@pytest.fixture(scope="module")
def project():
    cars = hs.datasets.used_cars(200, random_state=0)
    return hs.fit(cars, "price", models="baseline,ridge", folds=3)


@pytest.fixture
def mlflow():
    return pytest.importorskip("mlflow", reason="mlflow (extra `track`) is not installed")


@pytest.fixture
def store(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return f"sqlite:///{tmp_path}/mlflow.db"


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::ResourceWarning")
class TestLogged:
    def test_everything_is_there(self, project, mlflow, store, tmp_path):
        note = tmp_path / "note.txt"
        note.write_text("a report")
        identity = project.track(experiment="cars", uri=store, files=[note])
        client = mlflow.MlflowClient(tracking_uri=store)
        run = client.get_run(identity)
        assert run.info.status == "FINISHED"
        assert run.data.params["target"] == "price"
        assert run.data.params["winner"] == project.best
        assert run.data.params["data.rows"] == str(project.record_["data"]["rows"])
        for name, one in project.record_["out_of_fold"].items():
            assert run.data.metrics[f"out of fold/{name.replace('²', '2')}"] == pytest.approx(one["value"])
        assert [file.path for file in client.list_artifacts(identity)] == ["note.txt"]
        group = client.get_experiment_by_name("cars").experiment_id
        children = client.search_runs([group], f"tags.mlflow.parentRunId = '{identity}'")
        assert sorted(child.info.run_name for child in children) == sorted(
            one["model"] for one in project.record_["candidates"])
        for candidate, child in ((one, child) for one in project.record_["candidates"] for child in children
                                 if child.info.run_name == one["model"]):
            history = client.get_metric_history(child.info.run_id, "fold score")
            assert [one.value for one in sorted(history, key=lambda one: one.step)] == pytest.approx(candidate["scores"])
            assert child.data.metrics["score"] == pytest.approx(candidate["score"])

    def test_a_second_project_joins_the_experiment(self, project, mlflow, store):
        first, second = (project.track(experiment="cars", uri=store) for _ in range(2))
        client = mlflow.MlflowClient(tracking_uri=store)
        group = client.get_experiment_by_name("cars").experiment_id
        roots = [run.info.run_id for run in client.search_runs([group]) if "mlflow.parentRunId" not in run.data.tags]
        assert sorted(roots) == sorted([first, second])

    def test_a_run_that_breaks_off_is_marked(self, project, mlflow, store, monkeypatch):
        from homespun.tabular import tracking

        monkeypatch.setattr(tracking, "_parameters", lambda candidate: 1 / 0)
        with pytest.raises(DataError, match="division by zero"):
            project.track(experiment="cars", uri=store)
        client = mlflow.MlflowClient(tracking_uri=store)
        group = client.get_experiment_by_name("cars").experiment_id
        assert "FAILED" in {run.info.status for run in client.search_runs([group])}

    def test_nobody_answers(self, project, mlflow, monkeypatch):
        monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
        with pytest.raises(DataError) as said:
            project.track(uri="http://127.0.0.1:9")
        assert said.value.operands["uri"] == "http://127.0.0.1:9"
        assert "http://127.0.0.1:9" in str(said.value) and "untouched" in said.value.suggestion


def test_a_missing_file_is_named_before_anything_is_logged(project, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(DataError, match=r"no file 'gone\.html'"):
        project.track(files=["gone.html"])
    assert not list(tmp_path.iterdir())


def test_without_mlflow_the_extra_is_named():
    code = ("import sys; sys.modules['mlflow'] = None\nfrom homespun.tabular import tracking\n"
            "try: tracking._mlflow()\nexcept ModuleNotFoundError as said: print(said)")
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert "homespun[track]" in told
