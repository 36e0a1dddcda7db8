"""What data sets exist and where they live: an offline catalogue, and a search in it.

    score(set) = sum over the query's words q of  idf(q) * f / (f + 1.2 * (0.25 + 0.75 * length / mean length))       [BM25]
    f          = sum over the set's words t of    weight(field of t) * likeness(q, t)
    idf(q)     = log(1 + (N - n + 0.5) / (n + 0.5))              n: the sets with a word like q, out of N

Robertson & Zaragoza 2009, Foundations and Trends in Information Retrieval 3(4), eq. 3.15, with k1 = 1.2, b = 0.75. A word of
the name weighs 3, of the keywords or the task 2, of the title 1. `likeness` forgives plurals, endings and half words.
Nothing here touches the network: `catalogue.toml` travels with the package, the data do not (`fetch` brings them).
"""

from __future__ import annotations

import functools
import math
import re
import tomllib
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from importlib import resources
from urllib.parse import unquote, urlsplit

from homespun.base.errors import DataError, ParameterError, did_you_mean
from homespun.base.params import Integer, check_param

TASKS = ("classification", "regression", "time series", "text classification", "language modelling", "question answering",
         "named entities", "instructions", "translation", "image classification", "object detection", "recommendation",
         "ranking", "graph", "reading")  # "reading": a table that is hard to read
WEIGHTS = {"name": 3.0, "keywords": 2.0, "task": 2.0, "title": 1.0}
_NOISE = frozenset({"a", "an", "and", "data", "dataset", "datasets", "for", "from", "in",
                    "of", "on", "or", "set", "sets", "the", "to", "with"})


@dataclass(frozen=True)
class File:
    """One file of a data set: where it is, and how to know that it is the right one."""

    address: str
    sha256: str
    checked: str  # where the checksum comes from: "computed", "PMLB", "scikit-learn", "TensorFlow Datasets"
    name: str  # what it is called on disk
    bytes: int | None = None


@dataclass(frozen=True)
class Dataset:
    """One entry of the catalogue; what is not certain is None or empty."""

    name: str
    title: str
    task: str
    page: str
    keywords: tuple[str, ...]
    rows: int | None = None
    columns: int | None = None
    licence: str | None = None
    files: tuple[File, ...] = ()

    @property
    def bytes(self) -> int | None:
        """What a download weighs; None where one of the sizes is unknown."""
        sizes = [file.bytes for file in self.files]
        return None if not sizes or None in sizes else sum(size for size in sizes if size is not None)

    def as_dict(self) -> dict:
        """The entry as JSON would hold it."""
        return asdict(self)


class Listing(list):
    """Data sets, best first; prints as a table."""

    def __str__(self) -> str:
        return table(self)

    __repr__ = __str__


@functools.cache
def _entries() -> tuple[Dataset, ...]:
    text = resources.files("homespun.datasets").joinpath("catalogue.toml").read_text(encoding="utf-8")
    return tuple(_entry(fields) for fields in tomllib.loads(text)["dataset"])


def _entry(fields: dict) -> Dataset:
    files = tuple(File(name=file.pop("name", None) or unquote(urlsplit(file["address"]).path.rpartition("/")[2]), **file)
                  for file in map(dict, fields.get("file", ())))
    plain = {key: value for key, value in fields.items() if key not in ("file", "keywords")}
    return Dataset(keywords=tuple(fields["keywords"]), files=files, **plain)


def catalogue() -> Listing:
    """All data sets that are known, by name.

    Returns
    -------
    Listing
        A list of `Dataset` that prints as a table.

    Examples
    --------
    >>> from homespun.datasets import catalogue
    >>> [entry.name for entry in catalogue()][:2], len(catalogue()) > 80
    (['abalone', 'adult'], True)
    """
    return Listing(_entries())


def entry(name: str) -> Dataset:
    """The entry of that name.

    Raises
    ------
    ParameterError
        No such name; names that look like it are suggested.

    Examples
    --------
    >>> from homespun.datasets.listing import entry
    >>> entry("iris").rows
    150
    """
    for known in _entries():
        if known.name == name:
            return known
    hint = did_you_mean(str(name), [known.name for known in _entries()])
    raise ParameterError(f"no data set is called {name!r}; {hint or 'see homespun datasets search'}", operation="entry",
                         operands={"name": name}, rule="a name of the catalogue", suggestion=hint)


def search(query: str = "", *, task: str | None = None, rows: str | None = None, limit: int = 20) -> Listing:
    """Data sets that fit the words, best first.

    Parameters
    ----------
    query : str, default=""
        Words in any order; plurals, other endings and half words are forgiven. Empty: all, by name.
    task : str, optional
        Only this task: ``"classification"``, ``"regression"``, ``"time series"``, …
    rows : str, optional
        Only sets of this size: ``"1000-50000"``, ``">=1000"``, ``"<=500"``, ``"150"``. A set whose size is unknown does
        not pass.
    limit : int, default=20

    Returns
    -------
    Listing
        A list of `Dataset` that prints as a table.

    Raises
    ------
    ParameterError
        An unknown task, or `rows` that cannot be read.

    Examples
    --------
    >>> from homespun.datasets import search
    >>> [entry.name for entry in search("used cars regression", rows=">10000", limit=1)]
    ['cars_belarus']
    """
    check_param("search", "limit", limit, Integer(low=1))
    low, high = _range(rows)
    if task is not None and task not in TASKS:
        hint = did_you_mean(task, TASKS)
        raise ParameterError(f"task must be one of {', '.join(TASKS)}, got {task!r}" + (f"; {hint}" if hint else ""),
                             operation="search", operands={"task": task}, rule="one of the tasks", suggestion=hint)
    fitting = [known for known in _entries() if task in (None, known.task)
               and (rows is None or (known.rows is not None and low <= known.rows <= high))]
    words = _words(query)
    if not words:
        return Listing(fitting[:limit])
    scores = _scores(words)  # over all sets: what a word is worth does not depend on the filters
    return Listing(sorted((known for known in fitting if scores[known.name] > 0),
                          key=lambda known: (-scores[known.name], known.name))[:limit])


def _scores(query: Iterable[str]) -> dict[str, float]:
    """BM25 of every entry, as the module's docstring has it."""
    bags = _bags()
    lengths = {name: sum(bag.values()) for name, bag in bags.items()}
    mean = sum(lengths.values()) / len(lengths)
    scores = dict.fromkeys(bags, 0.0)
    for word in query:
        found = {name: f for name, bag in bags.items()
                 if (f := sum(weight * likeness(word, known) for known, weight in bag.items())) > 0}
        idf = math.log(1 + (len(bags) - len(found) + 0.5) / (len(found) + 0.5))
        for name, f in found.items():
            scores[name] += idf * f / (f + 1.2 * (0.25 + 0.75 * lengths[name] / mean))
    return scores


@functools.cache
def _bags() -> dict[str, dict[str, float]]:
    """For every entry its stemmed words, each with the weight of the best field that holds it."""
    bags = {}
    for known in _entries():
        bag: dict[str, float] = {}
        fields = {"name": known.name, "keywords": " ".join(known.keywords), "task": known.task, "title": known.title}
        for field, text in fields.items():
            for word in _words(text):
                bag[word] = max(bag.get(word, 0.0), WEIGHTS[field])
        bags[known.name] = bag
    return bags


def _words(text: str) -> list[str]:
    return list(dict.fromkeys(stem(word) for word in re.findall(r"[^\W_]+", text.lower()) if word not in _NOISE))


def stem(word: str) -> str:
    """The word without plural, ``-ing`` and a last ``-e``.

    >>> [stem(word) for word in ("prices", "cars", "housing", "house", "glass", "categories")]
    ['pric', 'car', 'hous', 'hous', 'glass', 'category']
    """
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    if len(word) > 5 and word.endswith("ing"):
        return word[:-3]
    return word[:-1] if len(word) > 3 and word.endswith("e") else word


def likeness(word: str, known: str) -> float:
    """1 for the same stem, up to 0.5 for half words (four letters or more) and other endings (six letters in common).

    >>> likeness("car", "car"), likeness("auto", "automobil") > 0, likeness("recommender", "recommendation") > 0
    (1.0, True, True)
    >>> likeness("car", "card")
    0.0
    """
    if word == known:
        return 1.0
    shorter = min(len(word), len(known))
    common = next((at for at in range(shorter) if word[at] != known[at]), shorter)
    if common >= 6 or (common == shorter and common >= 4):
        return 0.5 * common / max(len(word), len(known))
    return 0.0


def _range(rows: str | None) -> tuple[float, float]:
    """``"100-500"``, ``">=100"``, ``"<=500"`` or ``"150"`` as (low, high)."""
    if rows is None:
        return 0, math.inf
    found = re.fullmatch(r"(?:(?P<low>\d+)(?:-|\.\.)(?P<high>\d*)|(?P<sign>>=|<=|>|<)?(?P<one>\d+))",
                         re.sub(r"[\s,_]", "", str(rows)))
    if found is None or (found["high"] and int(found["high"]) < int(found["low"])):
        raise ParameterError(f"rows must be a range such as '1000-50000', '>=1000', '<=500' or '150', got {rows!r}",
                             operation="search", operands={"rows": rows}, rule="LOW-HIGH, >=LOW or <=HIGH")
    if found["low"]:
        return float(found["low"]), float(found["high"] or math.inf)
    number = float(found["one"])
    ranges = {">=": (number, math.inf), ">": (number + 1, math.inf), "<=": (0.0, number), "<": (0.0, number - 1)}
    return ranges.get(found["sign"], (number, number))


def table(entries: Iterable[Dataset], width: int = 120) -> str:
    """The entries as text, one a line: name, task, rows, columns, licence, title; ``*`` marks what `fetch` can bring.

    Parameters
    ----------
    entries : iterable of Dataset
    width : int, default=120
        Letters a line; titles are cut to fit.
    """
    lines = [("  name", "task", "rows", "columns", "licence", "title")]
    lines += [(("* " if known.files else "  ") + known.name, known.task, _number(known.rows), _number(known.columns),
               known.licence or "", known.title) for known in entries]
    if len(lines) == 1:
        return "no data set fits"
    licence = 14  # "GroupLens terms: …" is the only long one
    sizes = [max(len(line[at]) for line in lines) for at in range(4)]
    text = []
    for name, task, rows, columns, terms, title in lines:
        start = (f"{name:<{sizes[0]}}  {task:<{sizes[1]}}  {rows:>{sizes[2]}}  {columns:>{sizes[3]}}  "
                 f"{_cut(terms, licence):<{licence}}  ")
        text.append((start + _cut(title, max(width - len(start), 20))).rstrip())
    return "\n".join(text)


def _number(value: int | None) -> str:
    return "" if value is None else f"{value:,}"


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else text[: width - 1] + "…"


def require_files(known: Dataset) -> tuple[File, ...]:
    """The files of a set; a DataError that names the page where the catalogue has no address of a file."""
    if known.files:
        return known.files
    raise DataError(f"{known.name}: the catalogue knows no address of a file, only the page: {known.page}\n"
                    "  get it there by hand, then read it with homespun.read", operation="fetch",
                    operands={"name": known.name}, rule="a set with files", where=known.page,
                    suggestion=f"open {known.page}")
