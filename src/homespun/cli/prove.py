"""``homespun prove NAME [--data FILE]`` shows that a kernel does what its formula says; without a name it lists the names."""

from __future__ import annotations

import inspect

import numpy as np
import typer

ROWS = 2000  # of a table: formulas are written to be read, some take a row for every pair of rows


def prove(
    name: str = typer.Argument(None, help="Name of a fast function, or any unambiguous end of it; without one all are listed."),
    data: str = typer.Option(None, "--data", help="Your data: a table whose columns of numbers become the rows of X, or an .npz "
                             "file with an array for each argument; default: the example that the formula brings along."),
) -> None:
    """Run a kernel and its formula: largest difference, time of both."""
    from homespun.kernels.oracle import compare, find, listing

    if name is None:
        typer.echo(listing())
        return
    oracle = find(name)
    arguments = () if data is None else arguments_of(oracle, data)
    for parameter, value in zip(inspect.signature(oracle.formula).parameters, arguments):
        told = f"{value.dtype} {value.shape}" if isinstance(value, np.ndarray) else repr(value)
        typer.echo(f"  {parameter}: {told}")
    from homespun.kernels.oracle import prove as on_arrays

    proof = on_arrays(oracle.name, *arguments) if arguments else compare(oracle, repeats=3)
    typer.echo(str(proof))
    if not proof.equal:
        raise typer.Exit(1)


def arguments_of(oracle, path: str) -> list:
    """What the file gives the oracle; numbers that it does not give are those of the oracle's example.

    Raises
    ------
    ParameterError
        An array is missing that no table can give.
    """
    example = dict(zip(inspect.signature(oracle.formula).parameters, oracle.examples[0](np.random.default_rng(0))))
    given = _from_arrays(path, example) if path.endswith((".npz", ".npy")) else _from_table(path, example)
    missing = [name for name, value in example.items() if name not in given and not isinstance(value, (int, float, bool, str))]
    if missing or not given:
        from homespun.base.errors import ParameterError

        wants, lacks = ", ".join(example), ", ".join(missing) or "any of them"
        hint = "numpy.savez('data.npz', " + ", ".join(f"{one}={one}" for one in missing or example) + ")"
        raise ParameterError(f"prove: {oracle.name} takes ({wants}); {path!r} does not give {lacks}; {hint} writes such a file",
                             operation="prove", operands={"data": path}, rule=f"arguments ({wants})", suggestion=hint)
    return [given.get(name, value) for name, value in example.items()]


def _from_arrays(path: str, example: dict) -> dict:
    try:
        found = np.load(path, allow_pickle=False)
    except FileNotFoundError:
        raise _absent(path) from None
    if isinstance(found, np.ndarray):  # .npy: the first argument
        return {next(iter(example)): found}
    return {name: found[name] if found[name].ndim else found[name].item() for name in found.files if name in example}


def _from_table(path: str, example: dict) -> dict:
    """The matrices of the example that are as wide as its first one become the rows of the table."""
    from homespun.data import read

    numbers = read(path).frame.select_dtypes("number")
    matrix = numbers.to_numpy(np.float64, na_value=np.nan)[:ROWS]
    matrix = matrix[:, np.isfinite(matrix).any(axis=0)]
    means = np.nanmean(matrix, axis=0) if matrix.size else 0.0
    matrix = np.ascontiguousarray(np.where(np.isfinite(matrix), matrix, means))
    if len(numbers) > ROWS:
        typer.echo(f"  the first {ROWS:,} of {len(numbers):,} rows", err=True)
    wide = None
    given = {}
    for name, value in example.items():
        if matrix.size and isinstance(value, np.ndarray) and value.ndim == 2 and value.dtype.kind == "f":
            wide = value.shape[1] if wide is None else wide
            if value.shape[1] == wide:
                given[name] = matrix
    return given


def _absent(path: str) -> Exception:
    from homespun.base.errors import DataError

    return DataError(f"prove: there is no file {path!r}", operation="prove", operands={"data": path}, rule="a file that is there")
