"""Many files as one table: one below the other, by the names of their columns.

Memory: large CSV files and Parquet are read again by each query (`Loaded.view`); the rows of the others are in DuckDB, which
spills to disk. One file is open at a time.
"""

from __future__ import annotations

import glob
from collections import Counter
from dataclasses import dataclass
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


@dataclass
class Member:
    """One file of many, after its rows went over to the table of all.

    Attributes
    ----------
    table : str
        Where its rows are: a table, or a view that reads the file again.
    kinds : dict
        Name of a column → (its SQL in `table`, its type).
    """

    file: str
    table: str
    kinds: dict[str, tuple[str, str]]
    rows: int
    decisions: list[Decision]
    facts: dict


def take_over(whole: Loaded, part: Loaded, number: int) -> Member:
    """Move the rows of `part` to the connection of `whole`; a large file stays where it is and is read again by each query.

    So no more than one file is in memory, and that one in DuckDB, which spills to disk.
    """
    table = f"part{number}"
    listed = ", ".join(f"{sql} AS c{i}" for i, sql in enumerate(part.columns.values()))
    types = [row[1] for row in part.connection.execute(f"DESCRIBE SELECT {listed} FROM raw").fetchall()]
    if part.view and part.view_sql:
        whole.connection.execute(f"CREATE VIEW {table} AS SELECT {listed} FROM ({part.view_sql})")
        whole.kept.append(part.folder)  # it may hold the unpacked file
        part.folder = None
        whole.view = True
    else:
        made = ", ".join(f"c{i} {kind}" for i, kind in enumerate(types))
        whole.connection.execute(f"CREATE TABLE {table} ({made})")
        piece = part.connection.execute(f"SELECT {listed} FROM raw")
        while len(chunk := piece.fetch_df_chunk(50)):
            whole.connection.register("piece", chunk)
            whole.connection.execute(f"INSERT INTO {table} SELECT * FROM piece")
            whole.connection.unregister("piece")
    kinds = {
        name: (f"c{i}", kind if name in part.typed else "VARCHAR") for i, (name, kind) in enumerate(zip(part.columns, types))
    }
    return Member(Path(part.name).name, table, kinds, part.rows, part.decisions, part.facts)


def stack(whole: Loaded, members: list[Member]) -> None:
    """``raw`` of `whole` from the rows of its members, one below the other.

    A column that a file lacks is missing there; a column whose type differs between the files is text.

    Raises
    ------
    DataError
        A file that shares no column with the others.
    """
    names = list(dict.fromkeys(column for member in members for column in member.kinds))
    usual = [name for name in names if sum(name in member.kinds for member in members) > len(members) / 2]
    for member in members:
        others = [other for other in members if other is not member]
        if others and not any(name in other.kinds for other in others for name in member.kinds):
            raise DataError(
                f"{member.file!r} of {whole.name!r} has no column in common with the other files: it has "
                f"{_listed(list(member.kinds))}, {others[0].file!r} has {_listed(list(others[0].kinds))}",
                operation="read",
                operands={"source": whole.name, "file": member.file, "columns": list(member.kinds)},
                rule="files of one table",
                where=member.file,
                suggestion=f"leave {member.file!r} out, or read the files one by one",
            )
    kinds = {name: _kind_in_all(name, members) for name in names}
    parts = []
    for member in members:
        listed = ", ".join(
            f"CAST({member.kinds[name][0] if name in member.kinds else 'NULL'} AS {kinds[name]}) AS c{i}"
            for i, name in enumerate(names)
        )
        parts.append(f"SELECT {listed} FROM {member.table}")
    what = "VIEW" if whole.view else "TABLE"
    whole.connection.execute(f"CREATE {what} raw AS {' UNION ALL '.join(parts)}")
    if not whole.view:
        whole.connection.execute("; ".join(f"DROP TABLE {member.table}" for member in members))
    whole.columns = {column: f"c{i}" for i, column in enumerate(names)}
    whole.typed = {column for column in names if kinds[column] != "VARCHAR"}
    whole.rows = sum(member.rows for member in members)
    whole.facts = members[0].facts | {"format": f"{len(members)} files, {members[0].facts.get('format', '')}"}
    whole.decisions = members[0].decisions + _differences(members, names, usual, kinds)


def _kind_in_all(column: str, members: list[Member]) -> str:
    """The type of a column in all files; text if it is not one."""
    found = {member.kinds[column][1] for member in members if column in member.kinds and member.rows} or {"VARCHAR"}
    if len(found) == 1:
        return found.pop()
    return "DOUBLE" if all("INT" in kind or kind in ("DOUBLE", "FLOAT") for kind in found) else "VARCHAR"


def _differences(members: list[Member], names: list[str], usual: list[str], kinds: dict[str, str]) -> list[Decision]:
    files = [member.file for member in members]
    found = [Decision(None, "files", files, f"{len(files)} file{'s' * (len(files) != 1)}, one below the other")]
    differing = []
    for member in members:
        lacks = [name for name in usual if name not in member.kinds]
        adds = [name for name in member.kinds if name not in usual]
        said = [f"lacks {_listed(lacks)}"] * bool(lacks) + [f"adds {_listed(adds)}"] * bool(adds)
        if said:
            differing.append(f"{member.file} {' and '.join(said)}")
    if differing:
        why = f"{len(differing)} of {len(files)} files; columns are matched by name, and what a file lacks is missing there"
        found.append(Decision(None, "files differ", differing, why))
    for name in names:
        in_files = {member.file: member.kinds[name][1] for member in members if name in member.kinds and member.rows}
        if len(set(in_files.values())) > 1:
            common = Counter(in_files.values()).most_common(1)[0][0]
            odd = next(file for file, kind in in_files.items() if kind != common)
            read_as = "text" if kinds[name] == "VARCHAR" else "numbers"
            why = f"{in_files[odd]} in {odd}, {common} in most others: read as {read_as}"
            found.append(Decision(name, "files differ", odd, why))
    known = {decision.kind for decision in members[0].decisions}
    odd_ones = [f"{member.file}: {one}" for member in members for one in member.decisions if one.kind not in known]
    if odd_ones:
        found.append(Decision(None, "files differ", odd_ones[:10], f"{len(odd_ones)} decisions hold for some files only"))
    return found


def _listed(names: list[str]) -> str:
    return ", ".join(map(repr, names[:3])) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
