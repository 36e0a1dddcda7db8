"""How well a CSV reader does on files that real people made, or broke on purpose: one score, ours and the peers.

    score of a file  =  100 * (F1 of its cells + 1 if the table is exactly right) / 2
    score of a pack  =  mean over its files                score  =  mean over the packs

A cell is a pair (number of its column, its text); the header's cells count too. F1 is taken over the multisets of both
tables, so one lost row costs one row. "Exactly right" is: the same names, rows and texts in the same order. A reader that
raises, or takes longer than a minute, gets 0; a file with no rows at all may also be refused. Blanks around a text, empty
rows, and columns on the right without a name or a text are no difference, nor are names that a reader gives to a second
column of the same name, or to one without a name.

The packs (in HOMESPUN_DATA; see its README): Pollock (Vitagliano et al. 2023, VLDB 16(8)): one table polluted in 1155 ways,
and 45 real files; csv-spectrum; the examples of csvkit, whose truth is written down below.

    python -m benchmarks.csv_packs [--readers homespun,pandas,…] [--files PART] [--out benchmarks/CSV_PACKS.md]
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import os
import re
import shutil
import signal
import sys
import tarfile
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

Rows = list[list[str]]
GENERATED = re.compile(r"(unnamed: ?|column_?|col_?|_duplicated_|field_?)?\d*", re.IGNORECASE)
SECONDS = 60


@dataclass(frozen=True)
class Case:
    """One file and what it holds."""

    pack: str
    name: str
    content: bytes
    names: list[str]  # empty: the file has no header
    rows: Rows


# ---------------------------------------------------------------------------------------------------------------------
# The packs


def cases(folder: Path) -> Iterator[Case]:
    """All files of the packs, in a fixed order."""
    for archive in ("polluted_even", "survey_half_a"):
        files = unpack(folder / "csv_pollock" / f"{archive}.tar.xz")
        for name in sorted(n for n in files if "/csv/" in n):
            facts = json.loads(files[name.replace("/csv/", "/parameters/") + "_parameters.json"])
            rows = parse(decoded(files[name.replace("/csv/", "/clean/")]))
            headed = int(facts["header_lines"]) > 0
            if rows and not headed and rows[0][0].startswith("col_"):
                rows = rows[1:]  # the pack's own names
            pack = "pollock: polluted" if archive == "polluted_even" else "pollock: survey"
            yield Case(pack, name.rpartition("/")[2], files[name], rows[0] if headed and rows else [], rows[headed:])

    files = unpack(folder / "csv_spectrum" / "csv-spectrum.tar.xz")
    for name in sorted(n for n in files if n.endswith(".csv")):
        found = json.loads(decoded(files[name.replace("csvs/", "json/").replace(".csv", ".json")]))
        found = found if isinstance(found, list) else [found]
        yield Case(
            "csv-spectrum", name.rpartition("/")[2], files[name], list(found[0]), [list(row.values()) for row in found]
        )

    files = {
        n.partition("examples/")[2]: c for n, c in unpack(folder / "csv_csvkit" / "csvkit-examples.tar.xz").items()
    }
    for name, (encoding, delimiter, skip, header, footer) in sorted(csvkit_truth(files).items()):
        content = files[name]
        if name.endswith((".gz", ".bz2")):
            import bz2
            import gzip

            text = (gzip if name.endswith(".gz") else bz2).decompress(content).decode(encoding)
        else:
            text = content.decode(encoding)
        rows = parse(text.replace("\x00", ""), delimiter)[skip:]
        rows = rows[: len(rows) - footer]
        yield Case("csvkit", name, content, rows[0] if header and rows else [], rows[header:])


def csvkit_truth(files: dict[str, bytes]) -> dict[str, tuple[str, str, int, int, int]]:
    """File → encoding, delimiter, lines before the table, lines of header, lines after it.

    Left out: what is no delimited text, and "join_no_header_row.csv", which nobody could tell from a table with a header.
    Rows with too many or too few fields: every field is kept, in its place.
    """
    truth = {name: ("utf-8", ",", 0, 1, 0) for name in files if name.endswith((".csv", ".csv.gz", ".csv.bz2"))}
    del truth["join_no_header_row.csv"]
    truth |= {
        "dummy.tsv": ("utf-8", "\t", 0, 1, 0),
        "sniff_limit.csv": ("utf-8", ";", 0, 1, 0),
        "test_latin1.csv": ("latin-1", ",", 0, 1, 0),
        "test_utf16_big.csv": ("utf-16", ",", 0, 1, 0),
        "test_utf16_little.csv": ("utf-16", ",", 0, 1, 0),
        "test_utf8_bom.csv": ("utf-8-sig", ",", 0, 1, 0),
        "realdata/event-notification-rpt-lastmonth.txt": ("utf-8", "|", 0, 1, 0),
        "realdata/Datagov_FY10_EDU_recp_by_State.csv": ("utf-8", ",", 1, 1, 2),
    }
    for name in ("no_header_row.csv", "no_header_row2.csv", "no_header_row3.csv"):
        truth[name] = ("utf-8", ",", 0, 0, 0)
    for name in ("bad_skip_lines.csv", "test_skip_lines.csv"):
        truth[name] = ("utf-8", ",", 0, 1, 0)  # `parse` leaves empty lines out
    return truth


def unpack(path: Path) -> dict[str, bytes]:
    """The files of a .tar.xz."""
    with tarfile.open(path, "r:xz") as archive:
        members = [member for member in archive.getmembers() if member.isfile()]
        return {member.name: archive.extractfile(member).read() for member in members}  # type: ignore[union-attr]


def decoded(content: bytes) -> str:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return content.decode("latin-1")


def parse(text: str, delimiter: str = ",") -> Rows:
    """Rows of a clean CSV without its empty lines."""
    csv.field_size_limit(1 << 30)
    return [row for row in csv.reader(io.StringIO(text, newline=""), delimiter=delimiter) if any(row)]


# ---------------------------------------------------------------------------------------------------------------------
# The score


@dataclass
class Mark:
    """What one reader made of one file."""

    f1: float
    exact: bool
    seconds: float
    error: str = ""

    @property
    def score(self) -> float:
        return 50.0 * (self.f1 + self.exact)


def judge(case: Case, names: list[str], rows: Rows, seconds: float) -> Mark:
    """The mark of a table that was read."""
    true_names, true_rows = tidy(case.names, case.rows)
    names, rows = tidy(names, rows)
    if not true_names and all(GENERATED.fullmatch(name) for name in names):
        names = []
    names = undo_renaming(names, true_names)
    truth, found = cells(true_names, true_rows), cells(names, rows)
    common = sum((truth & found).values())
    total = sum(truth.values()) + sum(found.values())
    f1 = 2 * common / total if total else 1.0
    return Mark(f1, names == true_names and rows == true_rows, seconds)


def tidy(names: list[str], rows: Rows) -> tuple[list[str], Rows]:
    """Without outer blanks, empty rows, and columns on the right that have neither a name nor a text."""
    names = [clean(name) for name in names]
    rows = [row for row in ([clean(text) for text in row] for row in rows) if any(row)]
    width = max([i + 1 for row in rows for i, text in enumerate(row) if text], default=0)
    while len(names) > width and GENERATED.fullmatch(names[-1]):
        names.pop()
    width = max(width, len(names))
    names += [""] * (width - len(names) if names else 0)
    return names, [row[:width] + [""] * (width - len(row)) for row in rows]


def clean(text) -> str:
    return (
        ""
        if text is None or text != text
        else str(text).replace("\x00", "").replace("\r\n", "\n").replace("\r", "\n").strip()
    )


def undo_renaming(names: list[str], truth: list[str]) -> list[str]:
    """Names as in the file where the reader had to make them different, or to invent one."""
    if len(names) != len(truth):
        return names
    made = []
    for name, true in zip(names, truth):
        doubled = truth.count(true) > 1 and re.fullmatch(re.escape(true) + r"([._ ]?(duplicated_)?\(?\d+\)?)", name)
        made.append(true if doubled or (not true and GENERATED.fullmatch(name)) else name)
    return made


def cells(names: list[str], rows: Rows) -> Counter:
    return Counter((column, text) for row in [names, *rows] for column, text in enumerate(row) if text)


# ---------------------------------------------------------------------------------------------------------------------
# The readers: each as a user who knows the library well would call it for a file that he has not seen


@dataclass(frozen=True)
class Reader:
    name: str
    call: str  # as the published table shows it
    read: Callable[[Path], tuple[list[str], Rows]]
    note: str = field(default="")


def homespun(path: Path):
    from homespun.data import read

    frame = read(path, types="text", missing=()).frame
    return [str(name) for name in frame.columns], frame.to_numpy(dtype=object, na_value=None).tolist()


def pandas_plain(path: Path):
    import pandas

    frame = pandas.read_csv(path, dtype=str, keep_default_na=False, encoding=guess(path), on_bad_lines="warn")
    return from_pandas(frame)


def pandas_sniffing(path: Path):
    import pandas

    frame = pandas.read_csv(
        path, sep=None, engine="python", dtype=str, keep_default_na=False, encoding=guess(path), on_bad_lines="warn"
    )
    return from_pandas(frame)


def from_pandas(frame):
    import pandas

    if not isinstance(
        frame.index, pandas.RangeIndex
    ):  # more fields than names: pandas makes an index of the first ones
        frame = frame.reset_index()
    return [str(name) for name in frame.columns], frame.to_numpy(dtype=object, na_value=None).tolist()


def guess(path: Path) -> str:
    """The encoding by its byte order mark, else UTF-8, else Latin-1: what users write around pandas and Polars."""
    import bz2
    import gzip

    content = path.read_bytes()
    content = {".gz": gzip.decompress, ".bz2": bz2.decompress}.get(path.suffix, bytes)(content)
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        return "utf-16"
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return "latin-1"
    return "utf-8-sig"


def polars(path: Path):
    import polars as pl

    encoding = guess(path)
    frame = pl.read_csv(
        path, encoding="utf8" if encoding == "utf-8-sig" else encoding, infer_schema=False, truncate_ragged_lines=True
    )
    return frame.columns, [list(row) for row in frame.rows()]


def duckdb_plain(path: Path):
    return from_duckdb(f"read_csv({quoted(path)}, all_varchar=true)")


def duckdb_tolerant(path: Path):
    return from_duckdb(
        f"read_csv({quoted(path)}, all_varchar=true, strict_mode=false, null_padding=true, ignore_errors=true, "
        "sample_size=-1)"
    )


def from_duckdb(table: str):
    import duckdb

    connection = duckdb.connect(
        ":memory:", config={"autoinstall_known_extensions": False, "autoload_known_extensions": False}
    )
    with connection:
        found = connection.execute(f"SELECT * FROM {table}")
        return [column[0] for column in found.description], [list(row) for row in found.fetchall()]


def quoted(path: Path) -> str:
    return "'" + str(path).replace("'", "''") + "'"


def clevercsv(path: Path):
    import clevercsv as clever

    encoding = guess(path)
    with open(path, encoding=encoding, newline="") as file:
        sample = file.read(6000)  # the whole file would take minutes
    dialect = clever.Detector().detect(sample)
    rows = clever.read_table(path, dialect=dialect, encoding=encoding)
    headed = clever.Detector().has_header(sample)
    return (rows[0], rows[1:]) if headed else ([], rows)


READERS = [
    Reader("homespun", "read(path)", homespun),
    Reader("pandas", "read_csv(path)", pandas_plain),
    Reader("pandas, sniffing", 'read_csv(path, sep=None, engine="python")', pandas_sniffing),
    Reader("Polars", "read_csv(path, truncate_ragged_lines=True)", polars),
    Reader("DuckDB", "read_csv(path)", duckdb_plain),
    Reader(
        "DuckDB, tolerant", "read_csv(path, strict_mode=false, null_padding=true, ignore_errors=true)", duckdb_tolerant
    ),
    Reader("CleverCSV", "Detector().detect(6000 characters), read_table(path), has_header()", clevercsv),
]


def examine(reader: Reader, case: Case, folder: Path) -> Mark:
    """Let `reader` read the file, and mark what it returns."""
    path = folder / Path(case.name).name
    path.write_bytes(case.content)

    def late(*_):
        raise TimeoutError(f"more than {SECONDS} s")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(SECONDS)
    began = time.perf_counter()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            names, rows = reader.read(path)
        seconds = time.perf_counter() - began
        return judge(case, list(names), rows, seconds)
    except Exception as error:  # whatever a reader may raise is its answer
        nothing = not any(any(row) for row in case.rows)
        return Mark(float(nothing), nothing, time.perf_counter() - began, f"{type(error).__name__}: {error}"[:300])
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
        path.unlink()


def table(marks: dict[str, dict[str, list[Mark]]]) -> str:
    """The published page."""
    packs = list(next(iter(marks.values())))
    lines = [
        "# CSV packs",
        "",
        "Generated by `python -m benchmarks.csv_packs`, which says how it scores: 100 is every table exactly right.",
        "",
        "| reader | call | "
        + " | ".join(f"{pack} ({len(next(iter(marks.values()))[pack])})" for pack in packs)
        + " | **score** | exactly right | refused | seconds |",
        "|---|---|" + "---:|" * (len(packs) + 4),
    ]
    for reader in READERS:
        if reader.name not in marks:
            continue
        mine = marks[reader.name]
        means = [sum(mark.score for mark in mine[pack]) / len(mine[pack]) for pack in packs]
        every = [mark for pack in packs for mark in mine[pack]]
        lines.append(
            f"| {reader.name} | `{reader.call}` | "
            + " | ".join(f"{mean:.1f}" for mean in means)
            + f" | **{sum(means) / len(means):.1f}** | {sum(mark.exact for mark in every)} of {len(every)} "
            + f"| {sum(bool(mark.error) for mark in every)} | {sum(mark.seconds for mark in every):.0f} |"
        )
    lines += [
        "",
        "All cells are compared as text. The peers are called for text columns too, and get the encoding by byte order "
        "mark, UTF-8 or Latin-1; DuckDB reads the file as it is.",
        "",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--readers",
        default=",".join(reader.name for reader in READERS if "," not in reader.name)
        + ",pandas sniffing,DuckDB tolerant",
    )
    parser.add_argument("--files", default="", help="only files whose pack or name holds this")
    parser.add_argument("--data", default=os.environ.get("HOMESPUN_DATA"), help="folder of the data sets")
    parser.add_argument("--out", default=None, help="Markdown file to write")
    parser.add_argument("--show", action="store_true", help="print every file that is not exactly right")
    parser.add_argument("--kept", default=None, help="JSON file that keeps the marks of readers that were not run now")
    given = parser.parse_args(arguments)
    if not given.data:
        sys.exit("csv_packs: HOMESPUN_DATA must name the folder of the data sets")
    wanted = [name.strip() for name in given.readers.split(",")]
    chosen = [reader for reader in READERS if reader.name.replace(",", "") in wanted]
    todo = [case for case in cases(Path(given.data)) if given.files in case.pack + "/" + case.name]
    marks: dict[str, dict[str, list[Mark]]] = {}
    if given.kept and Path(given.kept).exists():
        kept = json.loads(Path(given.kept).read_text())
        marks = {
            name: {pack: [Mark(**mark) for mark in found] for pack, found in packs.items()}
            for name, packs in kept.items()
        }
    folder = Path(tempfile.mkdtemp())
    try:
        for reader in chosen:
            mine: dict[str, list[Mark]] = {}
            for case in todo:
                mark = examine(reader, case, folder)
                mine.setdefault(case.pack, []).append(mark)
                if given.show and not mark.exact:
                    print(f"{reader.name}: {case.pack}/{case.name}: {mark.score:.1f} {mark.error}", flush=True)
            marks[reader.name] = mine
    finally:
        shutil.rmtree(folder)
    if given.kept:
        plain = {
            name: {pack: [vars(mark) for mark in found] for pack, found in packs.items()}
            for name, packs in marks.items()
        }
        Path(given.kept).write_text(json.dumps(plain))
    text = table(marks)
    print(text)
    if given.out:
        Path(given.out).write_text(text)


if __name__ == "__main__":
    main()
