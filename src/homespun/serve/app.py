"""The web application of one model: what is asked, how it is checked, what comes back.

    POST /predict   {"rows": [{field: value, …}, …]}  →  {"predictions": […], "probabilities": [{class: p, …}, …]}
    GET  /schema    the input contract        GET /health   is the model there       GET /metrics   for Prometheus
    GET  /openapi.json, /docs                 GET /         a form for people

Mistakes are answered by 4xx with {"detail": [{"loc": ["rows", 3, "mileage"], "msg": …, "input": …}]}: the field is named.
"""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.exceptions import HTTPException

from homespun import __version__
from homespun.base.errors import DataError, HomespunError
from homespun.serve.batching import Batcher, Busy
from homespun.serve.contract import MOST_PROBLEMS, BadRows, Contract, Problem
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
    answer = _answers(model, contract, as_of)
    meters = _Meters()

    @asynccontextmanager
    async def life(app):
        app.state.batcher = Batcher(answer)
        yield
        app.state.batcher.close()

    app = FastAPI(title=f"{contract.target}", version=__version__, lifespan=life, docs_url=None, redoc_url=None,
                  description=f"Predicts {contract.target!r} ({contract.task}) by homespun.")
    app.state.contract, app.state.answer = contract, answer

    @app.middleware("http")
    async def measured(request: Request, call_next):
        start = time.perf_counter()
        status = 500
        meters.running.inc()
        try:
            response = await call_next(request)
            status = response.status_code
            return response
        finally:
            meters.running.dec()
            path = request.url.path if request.url.path in _PATHS else "other"
            meters.requests.labels(path, str(status)).inc()
            meters.seconds.labels(path).observe(time.perf_counter() - start)

    @app.post("/predict", openapi_extra=_request_schema(contract, most_rows), responses=_responses(contract), tags=["model"])
    async def predict(request: Request) -> Response:
        """Predictions for a list of rows, in its order."""
        body = await _body(request, most_bytes)
        rows = _rows(body, contract, most_rows)
        predictions, probabilities = [], []
        for prediction, probability in await app.state.batcher.ask(rows):
            predictions.append(prediction)
            probabilities.append(probability)
        meters.rows.inc(len(rows))
        said: dict[str, Any] = {"predictions": predictions}
        if rows and probabilities[0] is not None:
            said["probabilities"] = probabilities
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

    @app.exception_handler(_Refused)
    async def refused(request, error: _Refused):
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


class _Refused(Exception):
    """A request that is answered by a status and one problem."""

    def __init__(self, status: int, where: tuple, message: str, value=None):
        self.status, self.problem = status, Problem(where, message, value)


def _problems(status: int, problems: list[Problem]) -> JSONResponse:
    return JSONResponse({"detail": [one.as_json() for one in problems]}, status)


async def _body(request: Request, most: int) -> Any:
    """The JSON of a request that is not too long."""
    import json

    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise _Refused(415, ("header", "content-type"), "must be application/json", kind)
    too_long = _Refused(413, ("body",), f"is longer than {most:,} bytes: send fewer rows at a time")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > most:
        raise too_long
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > most:
            raise too_long
        parts.append(part)
    try:
        return json.loads(b"".join(parts).decode("utf-8"), parse_int=_whole)
    except (ValueError, RecursionError) as error:  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        said = str(error)
        if isinstance(error, json.JSONDecodeError):
            said = f"line {error.lineno}, column {error.colno}: {error.msg}"
        raise _Refused(400, ("body",), f"is no JSON: {said[:200]}") from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)  # Python refuses whole numbers of thousands of digits


def _rows(body, contract: Contract, most: int) -> list[dict]:
    if not isinstance(body, dict):
        raise _Refused(422, ("body",), 'must be an object {"rows": [{field: value, …}, …]}', body)
    for name in body:
        if name != "rows":
            raise _Refused(422, ("body", name), "is not known; the only field is rows", name)
    rows = body.get("rows")
    if not isinstance(rows, list):
        raise _Refused(422, ("body", "rows"), "must be a list of rows" + ("" if "rows" in body else ", and is missing"), rows)
    if len(rows) > most:
        raise _Refused(413, ("body", "rows"), f"has {len(rows):,} rows; at most {most:,} are taken in one request", len(rows))
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise _Refused(422, ("rows", i), "must be an object {field: value, …}", row)
    problems = contract.problems_of(rows)
    if problems:
        raise BadRows(problems)
    return rows


def _answers(model, contract: Contract, as_of=None):
    """The function rows → [(prediction, probabilities or None), …]."""
    from homespun.tabular import Project

    names = [str(label) for label in contract.classes] if contract.classes is not None else None
    is_table = isinstance(model, Project)
    if is_table:
        model.day(as_of)  # a day that is none is told now, and not by each request

    def answer(rows: list[dict]) -> list[tuple[Any, dict | None]]:
        if not rows:
            return []
        frame = contract.frame(rows)
        day: dict[str, Any] = {}
        if is_table:
            given = _read(model, frame)
            day = {"as_of": model.day(as_of)}  # a server may run for months
        else:
            given = frame if hasattr(model, "feature_names_in_") else frame.to_numpy(dtype=np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # what is not finite is told below
            predictions = np.asarray(model.predict(given, **day))
            probabilities = None if names is None or not hasattr(model, "predict_proba") else model.predict_proba(given, **day)
        for values in (predictions, probabilities):
            if values is not None and values.dtype.kind == "f" and not np.isfinite(values).all():
                bad = np.flatnonzero(~np.isfinite(values.reshape(len(rows), -1)).all(1))
                said = "the model has no finite answer for this row: is a number far from the training data?"
                raise BadRows([Problem(("rows", int(i)), said) for i in bad[:MOST_PROBLEMS]])
        if probabilities is None:
            return [(prediction, None) for prediction in predictions.tolist()]
        shares = [dict(zip(names or [], row)) for row in probabilities.tolist()]
        return list(zip(predictions.tolist(), shares))

    return answer


def _read(project, frame):
    """The typed table; every value that cannot be read is a problem of its own."""
    problems: list[Problem] = []
    while True:
        try:
            table = project.read(frame, "predict")
        except DataError as error:
            place = error.operands or {}
            name, row = place.get("column"), place.get("row")
            if name not in frame.columns or not isinstance(row, int) or not 1 <= row <= len(frame):
                raise
            problems.append(Problem(("rows", row - 1, name), str(error).partition(" in row ")[0], place.get("value")))
            if len(problems) >= MOST_PROBLEMS:
                raise BadRows(problems) from None
            frame = frame.copy()
            frame[name] = frame[name].astype(object)
            frame.loc[row - 1, name] = None  # go on, to name the others, too
            continue
        if problems:
            raise BadRows(problems)
        return table


class _Meters:
    """The counters of one application."""

    def __init__(self):
        from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

        self.registry = CollectorRegistry()
        self.requests = Counter("homespun_requests", "Requests by path and status", ["path", "status"], registry=self.registry)
        self.seconds = Histogram("homespun_request_seconds", "Seconds of a request", ["path"], registry=self.registry,
                                 buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10))
        self.rows = Counter("homespun_rows", "Rows predicted", registry=self.registry)
        self.running = Gauge("homespun_requests_running", "Requests that are being answered", registry=self.registry)

    def response(self) -> Response:
        from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

        return Response(generate_latest(self.registry), media_type=CONTENT_TYPE_LATEST)


# ---------------------------------------------------------------------------------------------------------------------
# OpenAPI

def _request_schema(contract: Contract, most_rows: int) -> dict[str, Any]:
    schema = {"type": "object", "title": "Rows", "additionalProperties": False, "required": ["rows"],
              "properties": {"rows": {"type": "array", "maxItems": most_rows, "items": contract.row_schema()}}}
    example = {"rows": [{name: one.example for name, one in contract.fields.items()}]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def _responses(contract: Contract) -> dict[int | str, dict[str, Any]]:
    answer = {"type": "number"} if contract.classes is None else {"enum": contract.classes}
    properties: dict[str, Any] = {"predictions": {"type": "array", "items": answer}}
    if contract.classes is not None:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        row = {"type": "object", "properties": {str(label): share for label in contract.classes}}
        properties["probabilities"] = {"type": "array", "items": row}
    place = {"type": "array", "items": {"type": ["string", "integer"]}}
    problem = {"type": "object", "required": ["loc", "msg"],
               "properties": {"loc": place, "msg": {"type": "string"}, "type": {"type": "string"}, "input": {}}}
    problems = {"type": "object", "required": ["detail"], "properties": {"detail": {"type": "array", "items": problem}}}
    trouble = {"application/json": {"schema": problems}}
    said = {400: "The body is no JSON", 413: "Too many rows or bytes", 415: "The body is not application/json",
            422: "A field is missing, unknown or wrong: it is named", 503: "Too many rows are waiting"}
    return {
        200: {"description": "One prediction for each row", "content": {"application/json": {
            "schema": {"type": "object", "required": ["predictions"], "properties": properties}}}},
        **{status: {"description": text, "content": trouble} for status, text in said.items()},
    }
