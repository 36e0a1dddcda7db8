"""Reading a large CSV: plain DuckDB against `read`, which also infers and explains.

    python -m benchmarks.csv_speed [--megabytes 1000] [--repeats 3]

The file is generated (money, units, dates, flags, words, free text, twelve columns of numbers) and deleted afterwards. Each
side runs in a process of its own, alternating; medians of seconds, and the highest memory of the process. "rows only" is
our reading without the inference: all columns stay the text that they were.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SIDES = {
    "DuckDB, read_csv(path).df()": "import duckdb; duckdb.connect().execute(f\"SELECT * FROM read_csv('{path}')\").df()",
    "DuckDB, all columns as text": "import duckdb; duckdb.connect().execute("
    "f\"CREATE TABLE t AS SELECT * FROM read_csv('{path}', all_varchar=true)\")",
    "homespun, rows only": "from homespun.data.source import load; load(path)",
    "homespun, read(path)": "from homespun.data import read; read(path)",
    "homespun, scan(path)": "from homespun.data import scan; [len(piece) for piece in scan(path)]",
}
CHILD = """
import resource, sys, time
import pandas, duckdb, homespun.data.reader, homespun.data.infer
path = sys.argv[1]
began = time.perf_counter()
{code}
print(time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
"""


def generate(path: Path, megabytes: int) -> int:
    """Write the file; how many rows it has."""
    import pandas as pd

    rng = np.random.default_rng(0)
    rows, step = 0, 100_000
    while not path.exists() or path.stat().st_size < megabytes * 1_000_000:
        days = pd.to_datetime("2020-01-01") + pd.to_timedelta(rng.integers(0, 1000, step), unit="D")
        frame = pd.DataFrame(
            {
                "id": np.arange(rows, rows + step),
                "price": [f"£{value:,}" for value in rng.integers(500, 90_000, step)],
                "mileage": [f"{value} km" for value in rng.integers(0, 300_000, step)],
                "listed": days.strftime("%d/%m/%Y"),
                "make": rng.choice(["Ford", "Audi", "BMW", "Opel", "Kia"], step),
                "abs": rng.choice(["ON", "OFF", "NotAvailable"], step),
                "engine": rng.choice(["2.0", "1.6", "3.0 Turbo", "2.0 Turbo"], step),
                "remark": [f"nice car number {value} with some words" for value in rng.integers(0, 10**6, step)],
                **{f"x{i}": rng.normal(50, 20, step).round(3) for i in range(12)},
            }
        )
        frame.to_csv(path, mode="a", index=False, header=not rows)
        rows += step
    return rows


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--repeats", type=int, default=3)
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cars.csv"
        rows = generate(path, given.megabytes)
        print(f"{path.stat().st_size / 1e6:,.0f} MB, {rows:,} rows, 20 columns\n")
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in SIDES}
        for _ in range(given.repeats):
            for name, code in SIDES.items():
                done = subprocess.run(
                    [sys.executable, "-c", CHILD.replace("{code}", code), str(path)],
                    capture_output=True,
                    text=True,
                    check=True,
                )
                seconds, memory = map(float, done.stdout.split()[-2:])  # DuckDB may show its progress before
                found[name].append((seconds, memory))
        first = statistics.median(seconds for seconds, _ in found[next(iter(SIDES))])
        print("| | seconds | by DuckDB's | memory, MB |\n|---|---:|---:|---:|")
        for name, measured in found.items():
            seconds = statistics.median(seconds for seconds, _ in measured)
            print(f"| {name} | {seconds:.2f} | {seconds / first:.2f} | {max(memory for _, memory in measured):,.0f} |")


if __name__ == "__main__":
    main()
