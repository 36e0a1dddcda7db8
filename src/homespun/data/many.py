"""Many files as one table: one below the other, by the names of their columns."""

from __future__ import annotations

import glob
from pathlib import Path
from typing import TYPE_CHECKING

from homespun.base.errors import DataError
from homespun.data.table import Decision

if TYPE_CHECKING:
    from homespun.data.loaded import Loaded

SUFFIXES = (
    ".csv",
    ".tsv",
    ".txt",
    ".tab",
    ".dat",
    ".parquet",
    ".pq",
    ".json",
    ".jsonl",
    ".ndjson",
    ".xlsx",
    ".xls",
    ".ods",
)
PACKED = (".gz", ".bz2", ".xz", ".zip", ".tar", ".zst")


def files_of(name: str, path: Path) -> list[Path]:
    """The tables of a folder, by the ends of their names; or the files that fit a pattern."""
    if path.is_dir():
        found = [
            one
            for one in sorted(path.iterdir())
            if one.is_file() and one.name[0] not in "._" and _is_table(one.name.lower())
        ]
    else:
        found = [Path(one) for one in sorted(glob.glob(str(path), recursive=True)) if Path(one).is_file()]
    if not found:
        raise DataError(
            f"{name!r} is a folder without a table" if path.is_dir() else f"no file fits {name!r}",
            operation="read",
            operands={"source": name},
            rule="files such as *.csv, *.parquet, *.json or *.xlsx",
        )
    return found


def _is_table(name: str) -> bool:
    if name.startswith((".", "_")):
        return False
    for end in PACKED:
        name = name.removesuffix(end)
    return name.endswith(SUFFIXES)


def stack(whole: Loaded, parts: list[Loaded]) -> None:
    """Fill ``raw`` of `whole` with the rows of `parts`.

    A column that a file lacks is missing there; a column whose type differs between the files is text.
    """
    names = list(dict.fromkeys(column for part in parts for column in part.columns))
    common = [column for column in names if all(column in part.columns for part in parts)]
    if not common:
        raise DataError(
            f"the files of {whole.name!r} have no column in common: {Path(parts[0].name).name!r} has "
            f"{list(parts[0].columns)[:3]}, {Path(parts[-1].name).name!r} has {list(parts[-1].columns)[:3]}",
            operation="read",
            operands={"source": whole.name, "files": [Path(part.name).name for part in parts]},
            rule="files of one table",
        )
    kinds = {column: _kind_in_all(column, parts) for column in names}
    listed = ", ".join(f"c{i} {kinds[column]}" for i, column in enumerate(names))
    whole.connection.execute(f"CREATE TABLE raw ({listed})")
    for part in parts:
        there = [(i, column) for i, column in enumerate(names) if column in part.columns]
        listed = ", ".join(f"CAST({part.columns[column]} AS {kinds[column]}) AS c{i}" for i, column in there)
        piece = part.connection.execute(f"SELECT {listed} FROM raw")
        while len(chunk := piece.fetch_df_chunk(50)):
            whole.connection.register("piece", chunk)
            whole.connection.execute("INSERT INTO raw BY NAME SELECT * FROM piece")
            whole.connection.unregister("piece")
    whole.columns = {column: f"c{i}" for i, column in enumerate(names)}
    whole.typed = {column for column in names if kinds[column] != "VARCHAR"}
    whole.rows = sum(part.rows for part in parts)
    whole.facts = parts[0].facts | {"format": f"{len(parts)} files, {parts[0].facts.get('format', '')}"}
    whole.decisions = parts[0].decisions + _differences(parts, names)


def _kind_in_all(column: str, parts: list[Loaded]) -> str:
    """The type of a column in all files; text if it is not one."""
    having = [part for part in parts if column in part.columns]
    if not all(column in part.typed for part in having):
        return "VARCHAR"
    found = {
        part.connection.execute(f"SELECT typeof({part.columns[column]}) FROM raw LIMIT 1").fetchone()[0]
        for part in having
        if part.rows
    }
    if len(found) == 1:
        return found.pop()
    return "DOUBLE" if found and all("INT" in kind or kind in ("DOUBLE", "FLOAT") for kind in found) else "VARCHAR"


def _differences(parts: list[Loaded], names: list[str]) -> list[Decision]:
    files = [Path(part.name).name for part in parts]
    found = [Decision(None, "files", files, f"{len(files)} file{'s' * (len(files) != 1)}, one below the other")]
    lacking = {file: [column for column in names if column not in part.columns] for file, part in zip(files, parts)}
    lacking = {file: absent for file, absent in lacking.items() if absent}
    if lacking:
        file, absent = next(iter(lacking.items()))
        why = f"{len(lacking)} of {len(files)} files lack columns, {file} lacks {absent[:3]}: missing there"
        found.append(Decision(None, "files differ", lacking, why))
    usual = {decision.kind for decision in parts[0].decisions}
    odd = [f"{file}: {one}" for file, part in zip(files, parts) for one in part.decisions if one.kind not in usual]
    if odd:
        found.append(Decision(None, "files differ", odd[:10], f"{len(odd)} decisions hold for some files only"))
    return found
