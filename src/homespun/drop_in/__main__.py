"""``python -m homespun.drop_in [--no-compare] script.py [arguments]``: run an unchanged scikit-learn script on our classes."""

from __future__ import annotations

import argparse
import os
import runpy
import sys

from homespun.drop_in.busy import Meter
from homespun.drop_in.record import Recorder
from homespun.drop_in.replace import install, uninstall
from homespun.drop_in.table import table


def run(script: str, arguments: list[str] | None = None, *, compare: bool = True, stream=None) -> None:
    """Run `script` as if by ``python script arguments``, with our classes, and write the table to `stream` (stderr).

    The script's own errors and exit status pass through, after the table.
    """
    recorder, meter = Recorder(compare), Meter()
    before = sys.argv, sys.path[:]
    sys.argv = [script, *(arguments or [])]
    if not sys.flags.safe_path:
        sys.path[0] = os.path.dirname(os.path.abspath(script))  # as Python does for a script
    install(recorder.on_use)
    try:
        runpy.run_path(script, run_name="__main__")
    finally:
        others = meter.others()
        uninstall()
        recorder.close()
        sys.argv, sys.path[:] = before
        sys.stdout.flush()
        print(table(list(recorder.tallies.values()), compare=compare, others=others), file=stream or sys.stderr)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m homespun.drop_in", description="Run an unchanged scikit-learn script on homespun's classes."
    )
    parser.add_argument(
        "--compare",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="make each call on scikit-learn's class, too, and compare times and scores (default)",
    )
    parser.add_argument("script", help="the Python file")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help="what the script gets")
    told = parser.parse_args(arguments)
    if not os.path.isfile(told.script):
        print(f"homespun.drop_in: there is no file {told.script!r}", file=sys.stderr)
        return 1
    try:
        run(told.script, told.arguments, compare=told.compare)
    except (Exception, KeyboardInterrupt) as error:  # as Python shows it: from the script's first frame on, not from ours
        trace = _from_script(error.__traceback__)
        sys.excepthook(type(error), error.with_traceback(trace), trace)
        return 130 if isinstance(error, KeyboardInterrupt) else 1
    return 0


_LEADING = (__file__, "<frozen runpy>", runpy.__file__)


def _from_script(trace):
    """The traceback without the frames that lead to the script, ours and `runpy`'s; None where there are no others."""
    while trace is not None and trace.tb_frame.f_code.co_filename in _LEADING:
        trace = trace.tb_next
    return trace


if __name__ == "__main__":
    sys.exit(main())
