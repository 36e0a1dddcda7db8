"""The load test: rows that the contract takes, every answer counted, and failures told."""

import http.server
import json
import random
import threading

import pytest

from homespun.base.errors import DataError, ParameterError
from homespun.serve.contract import Contract
from homespun.serve.load import Load, load_test, made_up
from homespun.serve.server import beside


def test_made_up_rows_fit_the_contract(cars, fuels, multi, bare):
    for model in (cars, fuels, multi, bare):
        contract = Contract.of(model)
        chance = random.Random(1)
        rows = [made_up(contract.as_json()["fields"], chance) for _ in range(50)]
        assert contract.problems_of(rows) == []
        assert len(contract.frame(rows)) == 50
        assert len({json.dumps(row) for row in rows}) > 10


def test_a_served_model_is_asked(cars_file):
    with beside(cars_file) as address:
        one = load_test(address, clients=3, seconds=0.4, rows=2)
        again = load_test(address + "/", clients=1, seconds=0.2)
    assert one.failed == again.failed == 0
    assert len(one.latencies) >= 3 and one.latencies == sorted(one.latencies) and one.latencies[0] > 0
    assert one.quantile(0.5) <= one.quantile(0.99) <= one.seconds
    assert "3 clients, 2 rows a request" in str(one) and "0 failed" in str(one)
    assert "1 client, 1 row a request" in str(again)
    with pytest.raises(DataError, match="does not answer /schema"):  # it has stopped
        load_test(address)


def test_a_model_that_cannot_be_served(tmp_path):
    with pytest.raises(DataError, match=r"gone\.homespun"), beside(tmp_path / "gone.homespun"):
        raise AssertionError("not reached")


class Broken(http.server.BaseHTTPRequestHandler):
    """Has a contract, answers three requests, then 500."""

    protocol_version = "HTTP/1.1"
    asked = 0

    def do_GET(self):
        self._say(200, {"fields": [{"name": "x", "kind": "number", "choices": [], "low": 0.0, "high": 1.0, "example": 0.5}]})

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        type(self).asked += 1
        self._say(200 if self.asked <= 3 else 500, {"predictions": [1.0]})

    def _say(self, status, body):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *said):
        pass


def test_failures_are_counted_and_told():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        told = load_test(f"http://127.0.0.1:{server.server_address[1]}", clients=2, seconds=5)
        server.shutdown()
    assert told.failed == 2 and told.first_failure.startswith("500")
    assert "2 failed" in str(told) and "500" in str(told)
    assert told.seconds < 5  # nobody goes on asking a server that fails


@pytest.mark.parametrize("wrong", [{"clients": 0}, {"rows": 0}, {"seconds": 0.0}, {"clients": 1.5}])
def test_numbers_out_of_range(wrong):
    [(name, value)] = wrong.items()
    with pytest.raises(ParameterError) as said:
        load_test("http://127.0.0.1:9", **wrong)
    assert name in str(said.value) and str(value) in str(said.value)


def test_nothing_answered():
    assert "0 requests/s" in str(Load(1, 1, 1.0, []))
