"""The pages of a served model: a form for people at /, and the description of the interface at /docs.

Both are complete files without anything loaded from elsewhere: a server in a closed network shows them, too.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

from homespun.serve.contract import Contract, in_words


@cache
def _templates():
    import jinja2

    templates = jinja2.Environment(loader=jinja2.FileSystemLoader(Path(__file__).with_name("templates")), autoescape=True,
                                   trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined)
    templates.globals["in_words"] = in_words
    return templates


def form_page(contract: Contract) -> str:
    """A form with one input for each field of the contract."""
    return _templates().get_template("form.html").render(contract=contract, fields=list(contract.fields.values()))


def docs_page(contract: Contract, openapi: dict, most_rows: int) -> str:
    """The interface in words, with calls to copy."""
    row = {name: one.example for name, one in contract.fields.items()}
    body = json.dumps({"rows": [row]}, ensure_ascii=False, indent=2)
    paths = [(path, method.upper(), (operation.get("description") or operation.get("summary", "")).splitlines()[0])
             for path, methods in openapi["paths"].items() for method, operation in methods.items()]
    return _templates().get_template("docs.html").render(contract=contract, fields=list(contract.fields.values()), body=body,
                                                         paths=paths, most_rows=most_rows)
