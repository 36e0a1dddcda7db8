"""What a request asks: its body, complete and not too long, as rows that fit the contract, or a mistake with its place."""

from __future__ import annotations

import json
from typing import Any

from fastapi import Request

from homespun.serve.contract import BadRows, Contract, Problem


class Refused(Exception):
    """A request that is answered by a status and one problem."""

    def __init__(self, status: int, where: tuple, message: str, value=None):
        self.status, self.problem = status, Problem(where, message, value)


async def body_of(request: Request, most: int) -> Any:
    """The JSON of a request that is not too long."""
    kind = request.headers.get("content-type", "application/json").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Refused(415, ("header", "content-type"), "must be application/json", kind)
    too_long = Refused(413, ("body",), f"is longer than {most:,} bytes: send fewer rows at a time")
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
        raise Refused(400, ("body",), f"is no JSON: {said[:200]}") from None


def _whole(digits: str) -> int | float:
    return int(digits) if len(digits) < 19 else float(digits)  # Python refuses whole numbers of thousands of digits


def rows_of(body, contract: Contract, most: int) -> list[dict]:
    """The rows of a body; all that is wrong with them, as far as it can be said before they are read."""
    if not isinstance(body, dict):
        raise Refused(422, ("body",), 'must be an object {"rows": [{field: value, …}, …]}', body)
    for name in body:
        if name != "rows":
            raise Refused(422, ("body", name), "is not known; the only field is rows", name)
    rows = body.get("rows")
    if not isinstance(rows, list):
        raise Refused(422, ("body", "rows"), "must be a list of rows" + ("" if "rows" in body else ", and is missing"), rows)
    if len(rows) > most:
        raise Refused(413, ("body", "rows"), f"has {len(rows):,} rows; at most {most:,} are taken in one request", len(rows))
    for i, row in enumerate(rows):
        if not isinstance(row, dict):
            raise Refused(422, ("rows", i), "must be an object {field: value, …}", row)
    problems = contract.problems_of(rows)
    if problems:
        raise BadRows(problems)
    return rows
