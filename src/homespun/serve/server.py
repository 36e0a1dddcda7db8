"""`serve`: a model file behind a port, until Ctrl-C or SIGTERM; requests that have begun are answered first."""

from __future__ import annotations

import contextlib
import gc
import hashlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from homespun.base.errors import DataError, ParameterError
from homespun.base.params import Integer, check_param


def serve(path, *, host: str = "127.0.0.1", port: int = 8000, allow_code=None, most_rows: int = 10_000,
          most_bytes: int = 10_000_000, as_of=None, ready=None) -> None:
    """Serve a model file over HTTP; returns when it is told to stop.

    Parameters
    ----------
    path : path-like
        A ``.homespun`` file.
    host : str, default="127.0.0.1"
        "0.0.0.0" lets other machines ask, too.
    port : int, default=8000
        0: any free one.
    allow_code : path-like, optional
        Python file of a custom model.
    most_rows, most_bytes : int
        Of one request.
    as_of : date, ISO text or "today", optional
        Day to which ages are counted; by default the day of each request, for a table of the past the day on which it ended.
    ready : callable, optional
        Called with the address when requests are taken, and with a sentence about that day, or None.

    Raises
    ------
    ModelFileError, DataError
        No such model, or one that cannot be served.
    ParameterError
        The port is in use, or may not be opened.
    """
    import uvicorn

    from homespun.persist import load
    from homespun.serve.app import make_app

    for name, value, constraint in (("port", port, Integer(low=0, high=65535)), ("most_rows", most_rows, Integer(low=1)),
                                    ("most_bytes", most_bytes, Integer(low=1))):
        check_param("serve", name, value, constraint)
    opened = _open(host, port)  # before the model is loaded: a port in use is the commonest mistake
    try:
        model = load(path, allow_code=allow_code)
        digest = hashlib.sha256(Path(path).read_bytes()).hexdigest()
        app = make_app(model, most_rows=most_rows, most_bytes=most_bytes, sha256=digest, as_of=as_of)
        _warm_up(app)
        shown = "localhost" if host in ("127.0.0.1", "0.0.0.0", "::") else host
        address = f"http://{shown}:{opened.getsockname()[1]}"

        class Server(uvicorn.Server):
            async def startup(self, sockets=None):
                await super().startup(sockets)
                if self.started and ready is not None:
                    told = model.told_day(model.day(as_of)) if hasattr(model, "told_day") else None
                    ready(address, told)

        settings = uvicorn.Config(app, log_level="warning", access_log=False, timeout_graceful_shutdown=10, backlog=4096)
        gc.collect()
        gc.freeze()  # what is there now stays; to look through it again would stop all requests for 0.12 s
        try:
            with contextlib.suppress(KeyboardInterrupt):  # uvicorn sends it on when all is answered: it was the way to stop
                Server(settings).run([opened])
        finally:
            gc.unfreeze()
    finally:
        opened.close()


@contextlib.contextmanager
def beside(path, *, allow_code=None, patience: float = 60.0):
    """Serve a model file in a process of its own, on a free port, while the block runs; yields the address.

    Raises
    ------
    DataError
        The server did not start; what it said is in the text.
    """
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "homespun.cli", "serve", str(path), "--port", str(port)]
    with tempfile.TemporaryFile("w+") as said:
        server = subprocess.Popen([*command, *(["--code", str(allow_code)] if allow_code else [])], stdout=said, stderr=said)
        try:
            address, until = f"http://127.0.0.1:{port}", time.monotonic() + patience
            while not _answers(address):
                if server.poll() is not None or time.monotonic() > until:
                    said.seek(0)
                    text = said.read().strip().removeprefix("homespun: ") or f"no answer within {patience:g} s"
                    raise DataError(text, operation="serve", operands={"path": str(path)}, rule="a model that can be served")
                time.sleep(0.02)
            yield address
        finally:
            server.terminate()
            server.wait()


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/health", timeout=5) as answer:
            return answer.status == 200
    except OSError:
        return False


def _open(host: str, port: int) -> socket.socket:
    opened = None
    try:
        family, kind, protocol, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        opened = socket.socket(family, kind, protocol)
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind(place)
        return opened
    except OSError as error:
        if opened is not None:
            opened.close()
        free = _free_port(host)
        hint = f"--port {free} is free" if free else None
        raise ParameterError(
            f"serve: port {port} of {host} cannot be opened: {error.strerror or error}" + (f"; {hint}" if hint else ""),
            operation="serve", operands={"host": host, "port": port}, rule="a port that nobody else uses", suggestion=hint,
        ) from None


def _free_port(host: str) -> int | None:
    try:
        with socket.socket() as probe:
            probe.bind((host, 0))
            return probe.getsockname()[1]
    except OSError:
        return None


def _warm_up(app) -> None:
    """One prediction before the first request: kernels are loaded, and a model that cannot predict is known now."""
    fields = app.state.contract.fields
    try:
        app.state.answer([{name: one.example for name, one in fields.items()}])
    except DataError:
        return  # an example that is not read as it was: requests will tell
