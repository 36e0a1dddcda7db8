"""`scan`: a table larger than memory, in pieces of typed columns that share their decisions."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.data.many_rows import TextPart
from homespun.data.reader import MANY_ROWS, head_of, read, settings_of, understand
from homespun.data.recipe import apply_recipe, learn_recipe
from homespun.data.records import Options
from homespun.data.source import load
from homespun.data.table import Table


def scan(source, *, rows: int = 100_000, recipes: dict[str, dict] | None = None, **settings) -> Iterator[Table]:
    """Read a table larger than memory, piece by piece; all pieces are read by the same decisions.

    A file of one delimited text is read again from the disk, piece by piece, and a raw table stays in DuckDB, which spills to
    disk: only one piece of typed columns is in memory at a time.

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
    possible = set(inspect.signature(read).parameters) - {"source"}
    for name in settings:
        if name not in possible:
            raise ParameterError(
                f"scan: there is no setting {name!r}",
                operation="scan",
                operands={name: settings[name]},
                rule=", ".join(sorted(possible)),
                suggestion=did_you_mean(name, possible),
            )
    if rows < 1:
        raise ParameterError(
            f"scan: rows must be at least 1, got {rows}", operation="scan", operands={"rows": rows}, rule="rows >= 1"
        )
    import pandas as pd

    types = settings.pop("types", None)
    chosen = settings_of(*(settings.pop(name, None) for name in ("missing", "decimal", "thousands", "date_order")))
    loading = {name: settings.pop(name, None) for name in ("encoding", "sheet", "query")}
    loaded, texts = _opened(source, Options(**settings), loading, types, chosen, recipes or {})
    try:
        if texts is None:
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
        decisions = list(loaded.decisions)
        learned = dict(recipes or {})
        for name in loaded.columns:
            if name in learned:
                continue
            if name in loaded.typed:
                few = loaded.fetch([name], limit=MANY_ROWS)[name]
                learned[name], why = learn_recipe(name, few, kind=texts.wanted.get(name), settings=chosen)
            else:
                learned[name], why = texts.learn(name)
            decisions += why
        head = head_of(loaded.fetch(limit=5))
        stored, columns = loaded.stored(loaded.typed, "typed")
        typed = replace(loaded, columns=columns, typed=set(columns), view=False)
        for begin, piece in zip(range(0, loaded.rows, rows), texts.pieces(learned, rows)):
            frame = typed.fetch(clause=f"WHERE rowid >= {begin} AND rowid < {begin + rows}", table=stored)
            made: dict[str, Any] = {}
            for name, recipe in learned.items():
                if name in piece:
                    made.update(piece[name])
                elif name in loaded.columns:
                    made.update(apply_recipe(name, frame[name], recipe))
            yield Table(pd.DataFrame(made), decisions, learned, head, {"source": loaded.name, **loaded.facts})
    finally:
        loaded.close()


def _opened(source, options: Options, loading: dict, types, chosen, recipes, lazy: bool = True):
    """(the loaded source, its text columns; None where there are few rows)."""
    import duckdb

    loaded = load(source, options, lazy=lazy, **loading)
    try:
        if loaded.connection is None or loaded.rows <= MANY_ROWS:
            loaded.settle()
            return loaded, None
        wanted = dict.fromkeys(loaded.columns, types) if isinstance(types, str) else dict(types or {})
        known = [name for name in loaded.columns if name not in loaded.typed and name in recipes]
        return loaded, TextPart(loaded, wanted, chosen, piecewise=True, known=known)
    except BaseException as error:
        again = loaded.unchecked is not None and isinstance(error, (DataError, duckdb.Error))
        loaded.close()
        if not again:
            raise
    return _opened(source, options, loading, types, chosen, recipes, lazy=False)
