"""A served model under load: latency, throughput and cold start, against the usual way to serve a scikit-learn model.

    python -m benchmarks.serve_load [--seconds 4] [--rounds 3] [--budget 60] [--out benchmarks/SERVING.md]

Both sides serve the prices of cars_georgia (HOMESPUN_DATA). Ours: the file that `homespun fit` writes with its defaults,
served by `homespun serve`. Theirs (`serve_peer.py`): a pipeline of OrdinalEncoder and HistGradientBoostingRegressor behind
FastAPI, pydantic and pandas, served by uvicorn. Same machine, same uvicorn, same client (keep-alive, a process of its own),
rounds alternating; the table shows medians over the rounds. A client sends its next request when it has the answer to the
last. All answers are read and counted; one that is not 200 ends the measurement.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from benchmarks import machine

DATA, TARGET = "cars_georgia/car_price_prediction.csv.gz", "Price"
LOADS = [("1 client, 1 row", 1, 1), ("16 clients, 1 row", 16, 1), ("64 clients, 1 row", 64, 1), ("1 client, 100 rows", 1, 100),
         ("1 client, 1,000 rows", 1, 1000)]  # name, clients, rows of a request
HERE = Path(__file__).parent


class Server:
    """A process that serves; `cold` is the time from its start to its first 200 at /health."""

    def __init__(self, command: list[str], **environment: str):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        begun = time.perf_counter()
        self.process = subprocess.Popen([*command, "--port", str(self.port)], cwd=HERE.parent, stdout=subprocess.DEVNULL,
                                        env=os.environ | {"HOMESPUN_PROGRESS": "0"} | environment)
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=5) as answer:
                    assert answer.status == 200
                    break
            except OSError:
                if self.process.poll() is not None:
                    raise RuntimeError(f"{command} ended with {self.process.returncode}") from None
                time.sleep(0.01)
        self.cold = time.perf_counter() - begun

    def memory(self) -> float:
        """MB that are resident."""
        for line in Path(f"/proc/{self.process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS"):
                return int(line.split()[1]) / 1024
        return float("nan")

    def stop(self):
        self.process.terminate()
        self.process.wait(30)


def raw_rows(contract_fields, frame) -> list[dict]:
    """Rows as a program would send them: numbers as numbers, the rest as text, None where unknown."""
    rows = []
    for one in frame.to_dict("records"):
        rows.append({name: None if one[name] != one[name] else one[name] for name in contract_fields})
    return rows


def measure(seconds: float, rounds: int, budget: float) -> dict:
    """Everything that the page shows."""
    import homespun as hs
    from homespun.serve import Contract
    from homespun.serve.load import ask, request

    source = Path(os.environ["HOMESPUN_DATA"]) / DATA
    with tempfile.TemporaryDirectory() as folder:
        ours, peer = Path(folder) / "cars.homespun", Path(folder) / "cars.joblib"
        project = hs.fit(source, TARGET, budget=budget, out=ours)
        table = hs.read(source).frame
        fields = Contract.of(project).fields
        from benchmarks import serve_peer

        kinds = serve_peer.train(table, TARGET, list(fields), peer)
        frame = table[list(fields)].sample(2000, random_state=0)
        rows = raw_rows(fields, frame.astype(object))
        for row in rows:  # flags and words as the file has them
            for name, one in fields.items():
                if one.kind == "flag" and row[name] is not None:
                    row[name] = one.choices[0] if row[name] == 1 else one.choices[1]
        theirs = [{name: (None if row[name] is None else str(row[name])) if kinds[name] == "text" else row[name] for name in row}
                  for row in rows]
        commands = {"homespun": [sys.executable, "-m", "homespun.cli", "serve", str(ours)],
                    "FastAPI + pandas + HistGradientBoosting": [sys.executable, "-m", "benchmarks.serve_peer", str(peer)]}
        given = {"homespun": rows, "FastAPI + pandas + HistGradientBoosting": theirs}
        cold: dict[str, list[float]] = {name: [] for name in commands}
        found: dict[str, dict[str, list]] = {name: {} for name in commands}
        memory = {}
        for _ in range(rounds):
            for name, command in commands.items():
                server = Server(command)
                cold[name].append(server.cold)
                server.stop()
        servers = {name: Server(command) for name, command in commands.items()}
        try:
            for title, clients, size in LOADS:
                for _ in range(rounds):
                    for name, server in servers.items():
                        asked = [request([given[name][(k * size + i) % len(rows)] for i in range(size)])
                                 for k in range(200 if size == 1 else 5)]
                        asyncio.run(ask("127.0.0.1", server.port, asked, clients, 0.3))  # warm
                        begun = time.perf_counter()
                        answered = asyncio.run(ask("127.0.0.1", server.port, asked, clients, seconds))
                        wall = time.perf_counter() - begun
                        failures = [client.failure for client in answered if client.failure]
                        if failures:
                            raise RuntimeError(f"{name}: {failures[0]}")
                        times = sorted(one for client in answered for one in client.latencies)
                        found[name].setdefault(title, []).append(
                            (times[len(times) // 2], times[int(len(times) * 0.99)], len(times) / wall, len(times)))
            memory = {name: server.memory() for name, server in servers.items()}
        finally:
            for server in servers.values():
                server.stop()
    return {"best": f"{project.best} ({project.score_name} {project.leaderboard['score'][0]:.3f})", "cold": cold, "found": found,
            "memory": memory, "rounds": rounds, "seconds": seconds}


def page(told: dict) -> str:
    """SERVING.md."""
    ours, peer = told["found"]
    facts = machine.describe()
    lines = ["# A served model under load", "", "Generated by `python -m benchmarks.serve_load`; do not edit. "
             + (__doc__ or "").split("\n\n")[2].replace("\n", " ").strip(), "",
             f"Our model: {told['best']}. {facts['processor']}, {facts['processors']} processors, shared by server and client. "
             f"{told['rounds']} rounds of {told['seconds']:g} s each.", "",
             "| load | p50 ours | p50 theirs | p99 ours | p99 theirs | requests/s ours | theirs | ratio |",
             "|---|--:|--:|--:|--:|--:|--:|--:|"]
    for title, *_ in LOADS:
        a, b = ([statistics.median(column) for column in zip(*told["found"][side][title])] for side in (ours, peer))
        lines.append(f"| {title} | {a[0] * 1e3:.2f} ms | {b[0] * 1e3:.2f} ms | {a[1] * 1e3:.1f} ms | {b[1] * 1e3:.1f} ms "
                     f"| {a[2]:,.0f} | {b[2]:,.0f} | {a[2] / b[2]:.2f} |")
    cold = [statistics.median(told["cold"][side]) for side in (ours, peer)]
    lines += ["", "| | ours | theirs |", "|---|--:|--:|",
              f"| from the start of the process to the first answer of /health | {cold[0]:.2f} s | {cold[1]:.2f} s |",
              f"| resident memory after the load | {told['memory'][ours]:.0f} MB | {told['memory'][peer]:.0f} MB |", ""]
    return "\n".join(lines)


def main() -> None:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seconds", type=float, default=4.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--budget", type=float, default=60.0)
    parser.add_argument("--out", type=Path, default=HERE / "SERVING.md")
    options = parser.parse_args()
    text = page(measure(options.seconds, options.rounds, options.budget))
    options.out.write_text(text)
    print(text)


if __name__ == "__main__":
    main()
