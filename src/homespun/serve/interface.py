"""What /openapi.json says of POST /predict: the rows that are taken, the answers, the mistakes."""

from __future__ import annotations

from typing import Any

from homespun.serve.contract import MOST_PROBLEMS, Contract


def request_schema(contract: Contract, most_rows: int) -> dict[str, Any]:
    """The body, with an example."""
    schema = {"type": "object", "title": "Rows", "additionalProperties": False, "required": ["rows"],
              "properties": {"rows": {"type": "array", "maxItems": most_rows, "items": contract.row_schema()}}}
    example = {"rows": [{name: one.example for name, one in contract.fields.items()}]}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema, "example": example}}}}


def responses(contract: Contract) -> dict[int | str, dict[str, Any]]:
    """Answers by status."""
    answer = {"type": "number"} if contract.classes is None else {"enum": contract.classes}
    properties: dict[str, Any] = {"predictions": {"type": "array", "items": answer}}
    if contract.classes is not None:
        share = {"type": "number", "minimum": 0, "maximum": 1}
        row = {"type": "object", "properties": {str(label): share for label in contract.classes}}
        properties["probabilities"] = {"type": "array", "items": row}
    place = {"type": "array", "items": {"type": ["string", "integer"]}}
    note = {"type": "object", "required": ["loc", "msg"], "properties": {"loc": place, "msg": {"type": "string"}}}
    properties["notes"] = {"type": "array", "maxItems": MOST_PROBLEMS, "items": note,
                           "description": "Values that the training data did not have, and what the model takes them for."}
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
