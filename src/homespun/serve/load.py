"""`load_test`: what a served model bears, asked over HTTP as its users would: latency, throughput, failures.

    GET /schema → rows that fit the contract → POST /predict from many connections, each asking again when it is answered

The rows are made up from the contract (choices, the range of nine tenths of the training numbers, examples), so that any
running server can be asked, from any machine, without its data. A closed loop: a slow server is asked less often, which is
how people behave, but hides how long a queue would grow at a fixed rate of arrival.

Not handled: https, and a server behind a path prefix.
"""

from __future__ import annotations

import asyncio
import json
import random
import time
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from typing import Any

from homespun.base.errors import DataError
from homespun.base.params import Integer, Real, check_param

BODIES = 200  # different requests that the clients take turns with; fewer of large ones
WARM = 0.3  # seconds before anything is measured


@dataclass(frozen=True)
class Load:
    """What `load_test` measured.

    Attributes
    ----------
    clients, rows : int
        Connections, and rows of each request.
    seconds : float
        That were measured.
    latencies : list of float
        Seconds of each answer, sorted.
    failed : int
        Answers that are not 200, and connections that were closed; `first_failure` is the text of one.
    """

    clients: int
    rows: int
    seconds: float
    latencies: list[float]
    failed: int = 0
    first_failure: str = ""

    def quantile(self, share: float) -> float:
        """Seconds within which this share of the requests was answered; NaN without an answer."""
        return self.latencies[min(len(self.latencies) - 1, int(len(self.latencies) * share))] if self.latencies else float("nan")

    @property
    def per_second(self) -> float:
        """Requests that were answered in a second."""
        return len(self.latencies) / self.seconds

    def __str__(self) -> str:
        who = f"{self.clients} client{'s' * (self.clients > 1)}, {self.rows:,} row{'s' * (self.rows > 1)} a request"
        said = (f"{who}: {self.per_second:,.0f} requests/s, {self.per_second * self.rows:,.0f} rows/s; "
                f"p50 {self.quantile(0.5) * 1e3:.1f} ms, p95 {self.quantile(0.95) * 1e3:.1f} ms, "
                f"p99 {self.quantile(0.99) * 1e3:.1f} ms; {self.failed} failed of {len(self.latencies) + self.failed:,}")
        return said + (f" (the first: {self.first_failure})" if self.failed else "")


def load_test(address: str, *, clients: int = 16, seconds: float = 5.0, rows: int = 1, random_state: int = 0) -> Load:
    """Ask a running server for predictions as fast as it answers.

    Parameters
    ----------
    address : str
        ``http://localhost:8000``, as `homespun serve` prints it.
    clients : int
        Connections that ask at the same time.
    seconds : float
        How long; 0.3 s before it are not measured.
    rows : int
        Of each request.
    random_state : int
        Of the rows that are made up.

    Returns
    -------
    Load

    Raises
    ------
    DataError
        Nobody answers there, or it is no server of `homespun serve`.
    ParameterError
        A number out of its range.
    """
    for name, value, constraint in (("clients", clients, Integer(low=1, high=10_000)), ("rows", rows, Integer(low=1)),
                                    ("seconds", seconds, Real(low=0.0, open="low"))):
        check_param("load_test", name, value, constraint)
    fields = _fields(address)
    place = urllib.parse.urlsplit(address)
    host, port = place.hostname or "localhost", place.port or 80
    chance = random.Random(random_state)
    bodies = [request([made_up(fields, chance) for _ in range(rows)]) for _ in range(max(5, BODIES // rows))]
    asyncio.run(ask(host, port, bodies, clients, WARM))
    begun = time.perf_counter()
    answered = asyncio.run(ask(host, port, bodies, clients, seconds))
    wall = time.perf_counter() - begun
    failures = [client.failure for client in answered if client.failure]
    return Load(clients, rows, wall, sorted(one for client in answered for one in client.latencies), len(failures),
                failures[0] if failures else "")


def _fields(address: str) -> list[dict[str, Any]]:
    """The contract of the server at an address."""
    try:
        with urllib.request.urlopen(f"{address.rstrip('/')}/schema", timeout=10) as answer:
            return json.load(answer)["fields"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        reason = getattr(error, "reason", None) or error
        raise DataError(f"load_test: {address} does not answer /schema as `homespun serve` does: {reason}", operation="load_test",
                        operands={"address": address}, rule="the address of a running homespun serve",
                        suggestion="homespun serve MODEL, and the address that it prints") from error


def made_up(fields: list[dict[str, Any]], chance: random.Random) -> dict[str, Any]:
    """A row that fits the contract.

    >>> made_up([{"name": "fuel", "kind": "text", "choices": ["Petrol"], "low": None}], random.Random(0))
    {'fuel': 'Petrol'}
    """
    def value(one: dict[str, Any]) -> Any:
        if one["choices"]:
            return chance.choice(one["choices"])
        if one["low"] is not None and one["high"] is not None:
            return round(chance.uniform(one["low"], one["high"]), 2)
        if one["kind"] == "number":
            return round(chance.gauss(0, 1), 2)  # a bare estimator: nothing is known of its columns
        return one["example"]

    return {one["name"]: value(one) for one in fields}


def request(rows: list[dict[str, Any]]) -> bytes:
    """POST /predict, as it goes over the wire."""
    body = json.dumps({"rows": rows}).encode()
    return (f"POST /predict HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            f"Content-Length: {len(body)}\r\n\r\n").encode() + body


async def ask(host: str, port: int, requests: list[bytes], clients: int, seconds: float) -> list[Client]:
    """That many connections for that long; each takes the requests from another one on."""
    loop = asyncio.get_running_loop()
    until = time.perf_counter() + seconds
    asking = []
    for number in range(clients):
        client = Client(requests, 7 * number, until, loop.create_future())
        try:
            await loop.create_connection(lambda: client, host, port)  # noqa: B023  (called at once)
        except OSError as error:
            client.finish(f"connection {number + 1}: {error.strerror or error}")
        asking.append(client)
    await asyncio.gather(*(client.done for client in asking))
    return asking


class Client(asyncio.Protocol):
    """One keep-alive connection. `latencies`: seconds of each answer; `failure`: why it stopped before its time."""

    def __init__(self, requests: list[bytes], first: int, until: float, done: asyncio.Future):
        self.requests, self.at, self.until, self.done = requests, first, until, done
        self.latencies: list[float] = []
        self.failure = ""
        self.transport: Any = None
        self.buffer = b""

    def connection_made(self, transport):
        self.transport = transport
        self._ask()

    def _ask(self):
        self.begun = time.perf_counter()
        self.transport.write(self.requests[self.at % len(self.requests)])
        self.at += 1

    def data_received(self, data):
        self.buffer += data
        head, end, body = self.buffer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().partition(b"content-length:")[2].partition(b"\r\n")[0]):
            return
        now = time.perf_counter()
        self.buffer = b""
        if not head.startswith(b"HTTP/1.1 200"):
            status = head.partition(b"\r\n")[0].partition(b" ")[2].decode()
            self.finish(f"{status}: {body[:200].decode(errors='replace')}")
        else:
            self.latencies.append(now - self.begun)
            if now < self.until:
                self._ask()
            else:
                self.finish()

    def connection_lost(self, error):
        self.finish(f"the server closed the connection{f': {error}' if error else ''}")

    def finish(self, failure: str = ""):
        """Stop asking; the first reason stays."""
        if not self.done.done():
            self.failure = failure
            self.done.set_result(None)
            if self.transport is not None:
                self.transport.close()
