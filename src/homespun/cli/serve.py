"""``homespun serve cars.homespun --port 8000``: the model over HTTP; ``homespun load-test``: what a served one bears."""

from __future__ import annotations

import typer

from homespun.cli.predict import AS_OF


def serve(
    model: str = typer.Argument(..., help="A .homespun file."),
    host: str = typer.Option("127.0.0.1", "--host", help="0.0.0.0 lets other machines ask, too."),
    port: int = typer.Option(8000, "--port", help="0: any free one."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
    as_of: str = typer.Option(None, "--as-of", help=AS_OF),
    most_rows: int = typer.Option(10_000, "--most-rows", help="Rows of one request."),
    most_bytes: int = typer.Option(10_000_000, "--most-bytes", help="Bytes of one request."),
) -> None:
    """Serve a model: POST /predict, GET /schema, /health, /metrics, /docs, and a form page at /."""
    from homespun.serve import serve

    def ready(address: str, day: str | None) -> None:
        if day is not None:
            typer.echo(f"homespun: note: {day}", err=True)
        typer.echo(f"{model} at {address}   (form; /docs says how programs call it; Ctrl-C stops)")

    serve(model, host=host, port=port, allow_code=code, most_rows=most_rows, most_bytes=most_bytes, as_of=as_of, ready=ready)


def load_test(
    served: str = typer.Argument(..., help="http://localhost:8000 of a running server, or a .homespun file to serve meanwhile."),
    clients: int = typer.Option(16, "--clients", help="Connections that ask at the same time."),
    seconds: float = typer.Option(5.0, "--seconds", help="How long."),
    rows: int = typer.Option(1, "--rows", help="Rows of each request."),
    code: str = typer.Option(None, "--code", help="Python file of a custom model, if the file asks for it."),
) -> None:
    """Ask a served model as fast as it answers: latencies, throughput, failures."""
    from homespun.serve.load import load_test as measure
    from homespun.serve.server import beside

    if served.startswith(("http://", "https://")):
        told = measure(served, clients=clients, seconds=seconds, rows=rows)
    else:
        with beside(served, allow_code=code) as address:
            told = measure(address, clients=clients, seconds=seconds, rows=rows)
    typer.echo(str(told))
    if told.failed:
        raise typer.Exit(1)
