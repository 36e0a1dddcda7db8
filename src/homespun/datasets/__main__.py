"""``python -m homespun.datasets used_cars --rows 5000 -o cars.csv`` writes a generated table to a file."""

from __future__ import annotations

import argparse
import sys


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m homespun.datasets", description="Write a generated table to a CSV file.")
    parser.add_argument("name", choices=["used_cars"], help="which table")
    parser.add_argument("--rows", type=int, default=5000, help="number of rows (default 5000)")
    parser.add_argument("--seed", type=int, default=0, help="random_state (default 0)")
    parser.add_argument("--clean", action="store_true", help="typed columns, nothing missing, repeated or mistyped")
    parser.add_argument("-o", "--output", default="-", help="file to write; '-' is the standard output")
    options = parser.parse_args(arguments)

    from homespun.base.errors import ParameterError
    from homespun.datasets.cars import used_cars

    try:
        frame = used_cars(options.rows, random_state=options.seed, mess=not options.clean)
        if options.output == "-":
            frame.to_csv(sys.stdout, index=False)
        else:
            frame.to_csv(options.output, index=False)
            print(f"{options.output}: {len(frame):,} rows, {frame.shape[1]} columns")
    except (ParameterError, OSError) as error:
        print(f"homespun.datasets: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
