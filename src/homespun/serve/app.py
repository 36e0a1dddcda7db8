"""The web application of one model: what is asked, how it is checked, what comes back.

    POST /predict   {"rows": [{field: value, …}, …]}  →  {"predictions": […], "probabilities": [{class: p, …}, …],
                    "notes": [{"loc": ["rows", 3, "make"], "msg": …}, …]}: what the training data did not have, where rows do
    GET  /schema    the input contract        GET /health   is the model there       GET /metrics   for Prometheus
    GET  /openapi.json, /docs                 GET /         a form for people

Mistakes are answered by 4xx with {"detail": [{"loc": ["rows", 3, "mileage"], "msg": …, "input": …}]}: the field is named.
"""

from __future__ import annotations

from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from homespun import __version__
from homespun.base.errors import HomespunError
from homespun.serve.answers import answers_of
from homespun.serve.asked import Refused, body_of, rows_of
from homespun.serve.batching import Batcher, Busy
from homespun.serve.contract import MOST_PROBLEMS, BadRows, Contract, Problem
from homespun.serve.interface import request_schema, responses
from homespun.serve.meters import Measured, Meters
from homespun.serve.pages import docs_page, form_page

MOST_BYTES = 10_000_000
MOST_ROWS = 10_000


def make_app(model, *, most_bytes: int = MOST_BYTES, most_rows: int = MOST_ROWS, sha256: str | None = None,
             as_of=None) -> FastAPI:
    """The application that serves `model`; any ASGI server can run it.

    Parameters
    ----------
    model : Project or estimator
    most_bytes : int, default=10_000_000
        Longer requests are refused by 413.
    most_rows : int, default=10_000
        Of one request.
    sha256 : str, optional
        Digest of the model file, told by /health.
    as_of : date, ISO text or "today", optional
        Day to which a table's model counts ages. By default the day of each request, or, for a model of a table of the past,
        the day on which that ended.

    Returns
    -------
    fastapi.FastAPI
    """
    from homespun.tabular import Project

    contract = Contract.of(model)
    answer = answers_of(model, contract, as_of)
    meters = Meters(_PATHS)

    @asynccontextmanager
    async def life(app):
        app.state.batcher = Batcher(answer)
        yield
        app.state.batcher.close()

    app = FastAPI(title=f"{contract.target}", version=__version__, lifespan=life, docs_url=None, redoc_url=None,
                  description=f"Predicts {contract.target!r} ({contract.task}) by homespun.")
    app.state.contract, app.state.answer = contract, answer
    app.add_middleware(Measured, meters=meters)

    @app.post("/predict", openapi_extra=request_schema(contract, most_rows), responses=responses(contract), tags=["model"])
    async def predict(request: Request) -> Response:
        """Predictions for a list of rows, in its order."""
        rows = rows_of(await body_of(request, most_bytes), contract, most_rows)
        answers = await app.state.batcher.ask(rows)
        predictions, probabilities, notes = map(list, zip(*answers)) if answers else ([], [], [])
        meters.rows.inc(len(rows))
        said: dict[str, Any] = {"predictions": predictions}
        if rows and probabilities[0] is not None:
            said["probabilities"] = probabilities
        if told := [Problem(("rows", i, name), note).as_note() for i, own in enumerate(notes) for name, note in own]:
            said["notes"] = told[:MOST_PROBLEMS]
        return JSONResponse(said)

    @app.get("/schema", tags=["model"])
    async def schema() -> dict[str, Any]:
        """The fields of a row: name, kind, unit, usual range, choices, an example."""
        return contract.as_json()

    @app.get("/health", tags=["server"])
    async def health() -> dict[str, Any]:
        """Answers 200 as long as the model can be asked."""
        day = model.day(as_of) if isinstance(model, Project) else None
        return {"status": "ok", "target": contract.target, "task": contract.task, "homespun": __version__, "model_sha256": sha256,
                "waiting_rows": app.state.batcher.waiting} | ({} if day is None else {"as_of": day})

    @app.get("/metrics", tags=["server"], response_class=PlainTextResponse)
    async def metrics() -> Response:
        """Requests, seconds and rows for Prometheus."""
        return meters.response()

    @app.get("/docs", include_in_schema=False)
    async def docs() -> HTMLResponse:
        return HTMLResponse(docs_page(contract, app.openapi(), most_rows))

    @app.get("/", include_in_schema=False)
    async def form() -> HTMLResponse:
        return HTMLResponse(form_page(contract))

    @app.exception_handler(BadRows)
    async def bad_rows(request, error: BadRows):
        return _problems(422, error.problems)

    @app.exception_handler(Busy)
    async def busy(request, error: Busy):
        return JSONResponse({"detail": [Problem(("server",), str(error)).as_json()]}, 503, {"Retry-After": "1"})

    @app.exception_handler(Refused)
    async def refused(request, error: Refused):
        return _problems(error.status, [error.problem])

    @app.exception_handler(HomespunError)
    async def ours(request, error: HomespunError):
        return _problems(422, [Problem(("rows",), str(error))])

    @app.exception_handler(HTTPException)
    async def http(request, error: HTTPException):
        said = Problem(("path",), str(error.detail), request.url.path).as_json()
        return JSONResponse({"detail": [said]}, error.status_code, error.headers)

    @app.exception_handler(RequestValidationError)
    async def invalid(request, error: RequestValidationError):
        return _problems(422, [Problem(tuple(one["loc"]), one["msg"], one.get("input")) for one in error.errors()])

    return app


_PATHS = ("/predict", "/schema", "/health", "/metrics", "/docs", "/", "/openapi.json")


def _problems(status: int, problems: list[Problem]) -> JSONResponse:
    return JSONResponse({"detail": [one.as_json() for one in problems]}, status)
