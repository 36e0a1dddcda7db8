"""A served model answers what its Project answers, names the field that is wrong, and keeps its published interface."""

import asyncio
import json
import threading
import time

import numpy as np
import pandas as pd
import pytest
from conftest import example_row
from starlette.testclient import TestClient

import homespun as hs
from homespun.datasets import used_cars
from homespun.errors import DataError
from homespun.preprocessing import StandardScaler
from homespun.serve import Contract, make_app
from homespun.serve.batching import Batcher, Busy
from homespun.serve.contract import date_pattern

RAW = used_cars(40, random_state=5)


@pytest.fixture(scope="module")
def client(cars):
    with TestClient(make_app(cars, sha256="abc", most_rows=200, most_bytes=200_000)) as asked:
        yield asked


@pytest.fixture(scope="module")
def row(cars):
    return example_row(Contract.of(cars))


def rows_of(frame, contract):
    return [{name: None if pd.isna(value) else value for name, value in one.items()}
            for one in frame[list(contract.fields)].to_dict("records")]


def problem(answer, status=422):
    assert answer.status_code == status, answer.text
    return answer.json()["detail"][0]


# ---------------------------------------------------------------------------------------------------------------------
# Answers

def test_predictions_are_the_projects_own_in_the_same_order(client, cars):
    answer = client.post("/predict", json={"rows": rows_of(RAW, Contract.of(cars))})
    assert answer.status_code == 200 and set(answer.json()) == {"predictions"}
    np.testing.assert_array_equal(answer.json()["predictions"], cars.predict(RAW))


def test_probabilities_are_the_projects_own(fuels):
    raw = used_cars(30, random_state=6)
    with TestClient(make_app(fuels)) as client:
        said = client.post("/predict", json={"rows": rows_of(raw, Contract.of(fuels))}).json()
    assert said["predictions"] == fuels.predict(raw).tolist()
    np.testing.assert_array_equal([[one[c] for c in fuels.classes] for one in said["probabilities"]], fuels.predict_proba(raw))


def test_any_estimator_is_served_by_its_features(bare):
    with TestClient(make_app(bare)) as client:
        said = client.post("/predict", json={"rows": [{"x0": 2.0, "x1": 0, "x2": 0}, {"x0": -2, "x1": 0, "x2": 0}]}).json()
    assert said["predictions"] == ["up", "down"] and set(said["probabilities"][0]) == {"up", "down"}


def test_null_is_refused_by_a_model_that_takes_no_unknown_values(bare):
    with TestClient(make_app(bare)) as client:
        wrong = problem(client.post("/predict", json={"rows": [{"x0": 2.0, "x1": None, "x2": 0}]}))
    assert wrong["loc"] == ["rows", 0, "x1"] and "takes no unknown values" in wrong["msg"]


def test_what_predicts_nothing_is_not_served():
    with pytest.raises(DataError, match="StandardScaler cannot be served"):
        make_app(StandardScaler().fit([[1.0], [2.0]]))


def test_no_rows_is_no_mistake(client):
    assert client.post("/predict", json={"rows": []}).json() == {"predictions": []}


def test_numbers_may_be_written_as_in_the_training_file(client, row):
    rows = [{**row, "mileage": 120000}, {**row, "mileage": "120000 km"}]
    said = client.post("/predict", json={"rows": rows}).json()["predictions"]
    assert said[0] == said[1]


def test_a_flag_takes_its_words_and_true_and_false(client, row):
    values = ["Yes", True, "No", False]
    said = client.post("/predict", json={"rows": [{**row, "leather": value} for value in values]}).json()["predictions"]
    assert said[0] == said[1] != said[2] == said[3]


def test_unknown_values_are_null_and_new_words_are_taken(client, row):
    said = client.post("/predict", json={"rows": [dict.fromkeys(row), {**row, "fuel": "Steam"}]})
    assert said.status_code == 200 and np.isfinite(said.json()["predictions"]).all()


# ---------------------------------------------------------------------------------------------------------------------
# Mistakes name their place

@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("mileage", "far", "a number in km"), ("mileage", True, "a number in km"), ("mileage", [1], "one value"),
        ("mileage", {"km": 1}, "one value"), ("power", 1e301, "finite"), ("leather", "maybe", "'Yes' or 'No'"),
        ("listed_on", "13/13/2024", "a date"), ("listed_on", 20240101, "year-month-day"),
        ("fuel", "a" * 100_001, "100,001 characters"), ("fuel", "Die\x00sel", "null character"), ("fuel", False, "must be text"),
    ],
)
def test_a_wrong_value_is_named_with_row_field_and_value(client, row, field, value, says):
    wrong = problem(client.post("/predict", json={"rows": [row, row, {**row, field: value}]}))
    assert wrong["loc"] == ["rows", 2, field] and says in wrong["msg"]
    assert wrong["input"] == (value if not isinstance(value, (list, dict)) else type(value).__name__)


@pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_named(client, row, word):
    body = json.dumps({"rows": [row, {**row, "mileage": "HERE"}]}).replace('"HERE"', word)
    wrong = problem(client.post("/predict", content=body, headers={"content-type": "application/json"}))
    assert wrong["loc"] == ["rows", 1, "mileage"] and "finite" in wrong["msg"]
    assert wrong["input"] in ("nan", "inf", "-inf")


def test_all_mistakes_of_a_request_are_named(client, row):
    body = {"rows": [{**row, "mileage": "far", "power": "strong"}, row, {**row, "listed_on": "today"}]}
    answer = client.post("/predict", json=body)
    places = {tuple(one["loc"]) for one in answer.json()["detail"]}
    assert places == {("rows", 0, "mileage"), ("rows", 0, "power"), ("rows", 2, "listed_on")}


def test_a_missing_and_a_misspelt_field(client, row):
    body = {**row, "milage": 5}
    del body["mileage"]
    said = [(one["loc"], one["msg"]) for one in client.post("/predict", json={"rows": [body]}).json()["detail"]]
    assert said[0][0] == ["rows", 0, "mileage"] and "missing" in said[0][1]
    assert said[1] == (["rows", 0, "milage"], "the model has no field 'milage'; did you mean 'mileage'?")
    wrong = problem(client.post("/predict", json={"rows": [{**row, "fule": "Diesel"}]}))
    assert (wrong["loc"], wrong["msg"]) == (["rows", 0, "fule"], "the model has no field 'fule'")  # fuel itself is there


def test_the_list_of_mistakes_ends(client):
    assert len(client.post("/predict", json={"rows": [{}] * 100}).json()["detail"]) == 20


@pytest.mark.parametrize(
    ("body", "status", "place", "says"),
    [
        (b"", 400, ["body"], "no JSON"), (b"{", 400, ["body"], "line 1, column 2"),
        (b'{"rows": "\xff"}', 400, ["body"], "no JSON"),
        (b"[" * 100_000, 400, ["body"], "no JSON"), (b"[]", 422, ["body"], "object"), (b"{}", 422, ["body", "rows"], "missing"),
        (b'{"rows": {}}', 422, ["body", "rows"], "list"), (b'{"rows": [3]}', 422, ["rows", 0], "object"),
        (b'{"rows": [], "row": 1}', 422, ["body", "row"], "not known"),
        (b'{"rows": [' + b"{}," * 200 + b"{}]}", 413, ["body", "rows"], "201 rows"),
        (b" " * 200_001, 413, ["body"], "200,000 bytes"),
        (b'{"rows": [{"x": ' + b"9" * 5000 + b"}]}", 422, ["rows", 0, "listed_on"], "missing"),
        (b'{"rows": [{"a": 1,}]}', 400, ["body"], "line 1, column 19"), (b'{"rows": NaN}', 422, ["body", "rows"], "list"),
        (b'{"rows":\n [{"a": tru}]}', 400, ["body"], "line 2, column 9"),
    ],
)
def test_a_malformed_request(client, body, status, place, says):
    wrong = problem(client.post("/predict", content=body, headers={"content-type": "application/json"}), status)
    assert wrong["loc"] == place and says in wrong["msg"]


def test_a_long_body_without_a_length_is_cut_off(client):
    parts = (b" " * 10_000 for _ in range(100))  # sent in chunks: nobody knows how many will come
    answer = client.post("/predict", content=parts, headers={"content-type": "application/json"})
    assert problem(answer, 413)["loc"] == ["body"]


def test_another_content_type_and_another_path(client):
    assert problem(client.post("/predict", data={"rows": "x"}), 415)["loc"] == ["header", "content-type"]
    assert problem(client.get("/nothing"), 404)["input"] == "/nothing"
    assert client.get("/predict").status_code == 405


# ---------------------------------------------------------------------------------------------------------------------
# The other paths

def test_schema_health_and_metrics(client, cars, row):
    schema = client.get("/schema").json()
    assert schema["target"] == "price" and [one["name"] for one in schema["fields"]] == list(row)
    assert {one["name"]: one["unit"] for one in schema["fields"]}["mileage"] == "km"
    assert client.get("/health").json() | {"homespun": ""} == {
        "status": "ok", "target": "price", "task": "regression", "homespun": "", "model_sha256": "abc", "waiting_rows": 0}
    before = meter(client, 'homespun_requests_total{path="/predict",status="422"}')
    client.post("/predict", json={"rows": 1})
    assert meter(client, 'homespun_requests_total{path="/predict",status="422"}') == before + 1
    rows = meter(client, "homespun_rows_total")
    client.post("/predict", json={"rows": [row] * 7})
    assert meter(client, "homespun_rows_total") == rows + 7


def meter(client, name):
    lines = [line for line in client.get("/metrics").text.splitlines() if line.startswith(name)]
    return float(lines[0].rpartition(" ")[2]) if lines else 0.0


def test_the_published_interface_describes_the_rows(client, row):
    said = client.get("/openapi.json").json()["paths"]["/predict"]["post"]
    body = said["requestBody"]["content"]["application/json"]
    assert body["example"] == {"rows": [row]}
    assert body["schema"]["properties"]["rows"]["items"]["required"] == list(row)
    assert {"200", "400", "413", "415", "422", "503"} <= set(said["responses"])


@pytest.mark.parametrize("path", ["/", "/docs"])
def test_pages_load_nothing_from_elsewhere(client, path):
    page = client.get(path).text
    assert "price" in page and 'src="http' not in page and 'href="http' not in page and "@import" not in page


def test_a_hostile_column_name_stays_text():
    frame = pd.DataFrame({"<script>alert(1)</script>": np.arange(60.0), "y": np.arange(60.0) * 2})
    import homespun as hs

    with TestClient(make_app(hs.fit(frame, "y", models=["linear"], folds=3))) as client:
        for path in ("/", "/docs"):
            assert "<script>alert(1)" not in client.get(path).text


def test_an_answer_that_is_not_finite_is_refused_and_no_server_error():
    class Inverse:
        n_features_in_ = 1

        def predict(self, X):
            with np.errstate(divide="ignore"):
                return 1.0 / X[:, 0]

    with TestClient(make_app(Inverse())) as client:
        assert client.post("/predict", json={"rows": [{"x0": 4}]}).json() == {"predictions": [0.25]}
        wrong = problem(client.post("/predict", json={"rows": [{"x0": 4}, {"x0": 0}]}))
    assert wrong["loc"] == ["rows", 1] and "no finite answer" in wrong["msg"]


def test_what_the_schema_allows_is_answered_and_what_it_forbids_is_refused(fuels, bare, cars, multi):
    """Requests generated from the published interface: no server error, valid ones are answered, invalid ones refused."""
    schemathesis = pytest.importorskip("schemathesis")
    from hypothesis import HealthCheck, given, settings

    asked = 0
    for model in (fuels, bare, cars, multi):  # two classes, plain numbers, an amount and dates, many classes
        app = make_app(model, most_rows=50)
        schema = schemathesis.openapi.from_asgi("/openapi.json", app)
        with TestClient(app) as client:
            for found in schema.get_all_operations():
                operation = found.ok()
                modes = [schemathesis.GenerationMode.POSITIVE]
                if operation.method == "post":
                    modes.append(schemathesis.GenerationMode.NEGATIVE)
                for mode in modes:

                    @settings(max_examples=15, deadline=None, derandomize=True, database=None,
                              suppress_health_check=list(HealthCheck))
                    @given(case=operation.as_strategy(generation_mode=mode))
                    def ask(case):
                        nonlocal asked
                        case.call_and_validate(session=client)
                        asked += 1

                    ask()
    assert asked >= 120


@pytest.mark.parametrize("form", ["%Y-%m-%d", "%d/%m/%Y %H:%M", "%b %d, %Y", "%Y.%m.%dT%H:%M:%S"])
def test_dates_that_the_pattern_allows_are_read(form):
    import re
    from datetime import datetime

    day = datetime(2021, 11, 27, 13, 5, 9)
    assert re.match(date_pattern(form), day.strftime(form))
    assert not re.match(date_pattern(form), "27-11")


# ---------------------------------------------------------------------------------------------------------------------
# Many at once

def test_waiting_requests_are_answered_together_and_each_gets_its_own():
    sizes = []

    def work(rows):
        sizes.append(len(rows))
        time.sleep(0.02)
        return [row * 10 for row in rows]

    batcher = Batcher(work, most_rows=50)

    async def many():
        return await asyncio.gather(*(batcher.ask([i, i + 1]) for i in range(100)))

    assert asyncio.run(many()) == [[10 * i, 10 * i + 10] for i in range(100)]
    assert max(sizes) > 2 and max(sizes) <= 50 and sum(sizes) == 200
    batcher.close()


def test_one_requests_bad_row_does_not_spoil_the_others():
    def work(rows):
        if -1 in rows:
            raise DataError("minus one")
        return rows

    batcher = Batcher(work)

    async def many():
        return await asyncio.gather(*(batcher.ask([-1 if i == 3 else i]) for i in range(8)), return_exceptions=True)

    said = asyncio.run(many())
    assert isinstance(said[3], DataError) and [one for i, one in enumerate(said) if i != 3] == [[i] for i in range(8) if i != 3]
    batcher.close()


def test_too_many_waiting_rows_are_refused_and_closing_answers_what_waits():
    began, go = threading.Event(), threading.Event()

    def work(rows):
        began.set()
        go.wait(10)
        return rows

    batcher = Batcher(work, most_waiting=5)

    async def many():
        first = [asyncio.ensure_future(batcher.ask([0] * 2))]
        while not began.is_set():  # until the first is being worked on
            await asyncio.sleep(0.001)
        first += [asyncio.ensure_future(batcher.ask([i] * 2)) for i in (1, 2)]
        await asyncio.sleep(0)
        with pytest.raises(Busy, match="rows are waiting"):
            await batcher.ask([9] * 4)
        go.set()
        await asyncio.get_running_loop().run_in_executor(None, batcher.close)
        with pytest.raises(Busy, match="shutting down"):
            await batcher.ask([1])
        return await asyncio.gather(*first)

    assert asyncio.run(many()) == [[0, 0], [1, 1], [2, 2]]


def test_a_request_that_is_refused_for_waiting_is_told_when_to_come_again(cars, row, monkeypatch):
    app = make_app(cars)
    with TestClient(app) as client:
        async def full(rows):
            raise Busy("3 rows are waiting")

        monkeypatch.setattr(app.state.batcher, "ask", full)
        answer = client.post("/predict", json={"rows": [row]})
    assert answer.status_code == 503 and answer.headers["retry-after"] == "1" and "waiting" in json.dumps(answer.json())


def test_an_example_is_a_number_that_a_person_would_write():
    frame = pd.DataFrame({"x": np.arange(60) * 0.1 + 0.005, "y": np.arange(60) % 7 * 1.0})
    x = Contract.of(hs.fit(frame, "y", models=["linear"], folds=2)).fields["x"].example
    assert len(str(x)) <= 7, x
