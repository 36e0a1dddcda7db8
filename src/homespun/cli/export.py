"""``homespun export cars.homespun --format python|onnx|docker``: the model without this installation."""

from __future__ import annotations

from pathlib import Path

import typer


def export(
    model: str = typer.Argument(..., help="A .homespun file."),
    format: str = typer.Option("python", "--format", help="python: one file, needs only NumPy. onnx: a graph for any runtime. "
                               "docker: a folder to build."),
    output: str = typer.Option(None, "--output", "-o", help="File or folder to write; default: the model's name."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
    wheel: str = typer.Option(None, "--wheel", help="docker: a homespun wheel to install instead of the published one."),
    check: str = typer.Option(None, "--check", help="onnx: a file of rows on which graph and model are compared, too."),
    overwrite: bool = typer.Option(False, "--overwrite", help="Write over a file that is no export of ours."),
) -> None:
    """Write a model as one Python file, as an ONNX graph, or as a folder that becomes a container image."""
    from homespun.base.errors import ParameterError

    for name, given, kind in (("--wheel", wheel, "docker"), ("--check", check, "onnx")):
        if given is not None and format != kind:
            raise ParameterError(f"export: {name} is for --format {kind}, got --format {format}", operation="export",
                                 operands={name: given}, rule=f"{name} with --format {kind}")
    if format == "python":
        from homespun.persist import export_python, load

        path = _place(output or Path(model).with_suffix(".py").name, overwrite, model, code)
        export_python(load(model, allow_code=code), path)
        typer.echo(f"{path}: needs only NumPy")
    elif format == "onnx":
        _export_onnx(model, _place(output or Path(model).with_suffix(".onnx").name, overwrite, model, code, check), code, check)
    elif format == "docker":
        import shlex

        from homespun.serve import write_docker
        from homespun.serve.docker import image_name

        folder = write_docker(model, output or f"{Path(model).stem}-docker", code=code, wheel=wheel)
        typer.echo(f"{folder}: docker build -t {image_name(model)} {shlex.quote(str(folder))}")
    else:
        raise typer.BadParameter(f"--format must be python, onnx or docker, got {format!r}")


def _export_onnx(model: str, path: Path, code: str | None, check: str | None) -> None:
    from homespun.persist import export_onnx, load

    loaded = load(model, allow_code=code)
    sample = check if check is None or hasattr(loaded, "recipes_") else _numbers(check)
    done = export_onnx(loaded, path, sample=sample)
    listed = ", ".join(f"{name} ({kind})" for name, kind in done.inputs.items())
    typer.echo(f"{done.path}: inputs {listed}")
    if done.rows:
        typer.echo(f"compared on {done.rows} rows in ONNX Runtime: largest difference {done.difference:.2g}")
    else:
        typer.echo("not compared with the model: ONNX Runtime is not installed (pip install onnxruntime), or no rows could be "
                   "made up (--check FILE)")
    if done.note is not None:
        typer.echo(f"homespun: note: export: {done.note}", err=True)


def _numbers(path: str):
    """The rows of a file, for a model that is no project."""
    from homespun.data import read

    return read(path).frame


def _place(output: str, overwrite: bool, *inputs: str | None) -> Path:
    """Where to write: not over what is read, and not over a file that somebody else made."""
    from homespun.base.errors import ParameterError
    from homespun.cli.output import output_beside

    path = output_beside("export", output, *inputs)
    if path.is_dir():
        raise ParameterError(f"export: {str(path)!r} is a folder; name a file with --output", operation="export",
                             operands={"output": str(path)}, rule="the name of a file")
    if path.is_file() and not overwrite:
        with path.open("rb") as file:
            begin = file.read(400)
        if begin and b"an exported model that needs NumPy" not in begin and b"\x12\x08homespun" not in begin[:12]:  # ours say so
            raise ParameterError(
                f"export: {str(path)!r} is there already, and it is no export of homespun; name another file with --output, or "
                "add --overwrite", operation="export", operands={"output": str(path)}, rule="a new file, or an older export")
    return path
