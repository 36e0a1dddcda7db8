"""`scan`: a table larger than memory, in pieces of typed columns that share their decisions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from typing import Any

from homespun.base.errors import ParameterError, did_you_mean
from homespun.data.reader import MANY_ROWS, head_of, read, settings_of, text_columns, understand
from homespun.data.recipe import apply_recipe, learn_recipe
from homespun.data.records import Options
from homespun.data.source import load
from homespun.data.table import Table


def scan(source, *, rows: int = 100_000, recipes: dict[str, dict] | None = None, **settings) -> Iterator[Table]:
    """Read a table larger than memory, piece by piece; all pieces are read by the same decisions.

    The raw table stays in DuckDB, which spills to disk; only one piece of typed columns is in memory at a time.

    Parameters
    ----------
    source
        As for `read`.
    rows : int, default 100000
        Of a piece.
    recipes : dict, optional
        Of an earlier `Table`; learned from all rows if left out.
    **settings
        Of `read`.

    Yields
    ------
    Table

    Examples
    --------
    >>> [len(piece) for piece in scan({"x": list(range(250))}, rows=100)]
    [100, 100, 50]
    """
    known = set(inspect.signature(read).parameters) - {"source"}
    for name in settings:
        if name not in known:
            raise ParameterError(
                f"scan: there is no setting {name!r}",
                operation="scan",
                operands={name: settings[name]},
                rule=", ".join(sorted(known)),
                suggestion=did_you_mean(name, known),
            )
    if rows < 1:
        raise ParameterError(
            f"scan: rows must be at least 1, got {rows}", operation="scan", operands={"rows": rows}, rule="rows >= 1"
        )
    import pandas as pd

    types = settings.pop("types", None)
    chosen = settings_of(*(settings.pop(name, None) for name in ("missing", "decimal", "thousands", "date_order")))
    loading = {name: settings.pop(name, None) for name in ("encoding", "sheet", "query")}
    loaded = load(source, Options(**settings), **loading)
    try:
        if loaded.connection is None or loaded.rows <= MANY_ROWS:
            table = understand(loaded, types, chosen)
            for begin in range(0, len(table), rows):
                yield Table(
                    table.frame.iloc[begin : begin + rows].reset_index(drop=True),
                    table.decisions,
                    table.recipes,
                    table.raw_head,
                    table.facts,
                )
            return
        columns = text_columns(loaded, chosen)
        wanted = dict.fromkeys(loaded.columns, types) if isinstance(types, str) else dict(types or {})
        decisions = list(loaded.decisions)
        learned = dict(recipes or {})
        for name in loaded.columns:
            if name in learned:
                continue
            if name in columns.columns:
                learned[name], why = columns.learn(name, wanted.get(name))
            else:
                learned[name], why = learn_recipe(
                    name, loaded.fetch([name], limit=MANY_ROWS)[name], kind=wanted.get(name), settings=chosen
                )
            decisions += why
        head = head_of(loaded.fetch(limit=5))
        for begin in range(0, loaded.rows, rows):
            clause = f"WHERE rowid >= {begin} AND rowid < {begin + rows}"
            made: dict[str, Any] = {}
            texts = columns.apply(
                {name: recipe for name, recipe in learned.items() if name in columns.columns},
                learned=recipes is None,
                rows=clause,
            )
            for name, recipe in learned.items():
                if name in texts:
                    made.update(texts[name])
                elif name in loaded.columns:
                    made.update(apply_recipe(name, loaded.fetch([name], clause=clause)[name], recipe))
            yield Table(pd.DataFrame(made), decisions, learned, head, {"source": loaded.name, **loaded.facts})
    finally:
        loaded.close()
