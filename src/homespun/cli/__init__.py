"""The command line: ``homespun fit cars.csv --target price``.

Exit status 0; 1 for a mistake that the text on stderr explains; 2 for a wrong call. A traceback is a bug of ours.
"""

from __future__ import annotations

import sys
import warnings


def main(arguments: list[str] | None = None) -> None:
    """Run a command and exit."""
    sys.exit(run(sys.argv[1:] if arguments is None else arguments))


def run(arguments: list[str]) -> int:
    """Run a command; its exit status."""
    from homespun.base.errors import HomespunError

    try:
        from homespun.cli.app import app
    except ModuleNotFoundError as error:
        return _lacks(error)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("always", UserWarning)
            warnings.showwarning = _note
            try:
                app(args=arguments, prog_name="homespun")
            finally:
                sys.stdout.flush()  # here, where a closed pipe is understood, and not when Python ends
    except SystemExit as ended:
        if isinstance(ended.__context__, BrokenPipeError):  # Typer's own end of `homespun … | head`: nothing went wrong
            return 0
        if ended.code == 130:  # Typer's, too
            print("homespun: interrupted", file=sys.stderr)
        return ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except HomespunError as error:
        hint = error.suggestion if error.suggestion and error.suggestion not in str(error) else ""
        return _say(str(error) + (f"\n  try: {hint}" if hint else ""))
    except ModuleNotFoundError as error:
        return _lacks(error)
    except BrokenPipeError:  # `homespun … | head`
        sys.stderr.close()
        return 0
    except OSError as error:
        return _say(f"{error.strerror or error}" + (f": {error.filename!r}" if error.filename else ""))
    return 0


def _note(message, category, filename, lineno, file=None, line=None) -> None:
    """A warning as a user reads it: without our file and line."""
    print(f"homespun: note: {message}", file=sys.stderr)


def _say(text: str) -> int:
    print(f"homespun: {text}", file=sys.stderr)
    return 1


def _lacks(error: ModuleNotFoundError) -> int:
    name = (error.name or "").partition(".")[0]
    if name == "onnx":
        return _say("this command needs onnx: pip install 'homespun[onnx]'")
    if name in ("typer", "pandas", "duckdb"):
        return _say(f"this command needs {name}: pip install 'homespun[table]'")
    if name in ("fastapi", "starlette", "uvicorn", "jinja2", "prometheus_client"):
        return _say(f"this command needs {name}: pip install 'homespun[serve]'")
    raise error
