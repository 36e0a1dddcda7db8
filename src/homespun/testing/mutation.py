"""Do the oracles notice? Kernels are edited one token at a time, and the formula beside them has to object.

    + ↔ -   * ↔ /   // → *   < ↔ <=   > ↔ >=   < ↔ >=   == ↔ !=   and ↔ or   not x → x   -x → x   break ↔ continue
    0 → 1   n → n + 1   True ↔ False   min ↔ max   += ↔ -=   x[i, j] → x[j, i]   x[i] → x[k] for another index k

A mutant stands in for its kernel while all kernels run as plain Python (`homespun.kernels.interpreted`), on the examples
of every oracle that reaches the kernel. It is *caught* when an oracle differs, raises, or takes far longer than it should.
DeMillo, Lipton & Sayward 1978, "Hints on test data selection", IEEE Computer 11(4).

An edit that changes no result (`prefetch(...)`, a bound that is only a short cut) is *equal*: such a line says so, with
the reason, in a comment at its end:  ``# no mutant (1 → 0): comparing with itself``, or without the edit for all of them.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import inspect
import linecache
import random
import re
import signal
import textwrap
import time
import types
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from homespun.kernels import KERNELS, ORACLES, Kernel, interpreted
from homespun.kernels.oracle import Oracle, agree, arrays_of

EXEMPT = re.compile(r"# no mutant(?: \((?P<edits>[^)]*)\))?: (?P<reason>.+)")
SEEDS = 4  # an example is a function of a generator: as many sets of data are tried on each
ALLOCATE = {"empty", "zeros", "ones", "full"}
HINTS = {"prefetch"}  # calls that change no result

BINARY: dict[type, tuple[type, ...]] = {
    ast.Add: (ast.Sub,), ast.Sub: (ast.Add,), ast.Mult: (ast.Div,), ast.Div: (ast.Mult,), ast.FloorDiv: (ast.Mult,),
    ast.Mod: (ast.Mult,), ast.Pow: (ast.Mult,), ast.LShift: (ast.RShift,), ast.RShift: (ast.LShift,),
    ast.BitAnd: (ast.BitOr,), ast.BitOr: (ast.BitAnd,), ast.BitXor: (ast.BitOr,), ast.MatMult: (),
}
COMPARE: dict[type, tuple[type, ...]] = {
    ast.Lt: (ast.LtE, ast.GtE), ast.LtE: (ast.Lt, ast.Gt), ast.Gt: (ast.GtE, ast.LtE), ast.GtE: (ast.Gt, ast.Lt),
    ast.Eq: (ast.NotEq,), ast.NotEq: (ast.Eq,),
}
SYMBOL: dict[type, str] = {
    ast.Add: "+", ast.Sub: "-", ast.Mult: "*", ast.Div: "/", ast.FloorDiv: "//", ast.Mod: "%", ast.Pow: "**",
    ast.LShift: "<<", ast.RShift: ">>", ast.BitAnd: "&", ast.BitOr: "|", ast.BitXor: "^", ast.And: "and", ast.Or: "or",
    ast.Lt: "<", ast.LtE: "<=", ast.Gt: ">", ast.GtE: ">=", ast.Eq: "==", ast.NotEq: "!=",
}
EXTREMES = {"min": "max", "max": "min", "minimum": "maximum", "maximum": "minimum", "argmin": "argmax", "argmax": "argmin"}


@dataclass
class Mutant:
    """One edit of one kernel."""

    kernel: str
    file: str
    line: int
    edit: str
    function: types.FunctionType

    def __str__(self):
        source = linecache.getline(self.file, self.line).strip()
        return f"{_short(self.file)}:{self.line}  {self.kernel.rpartition('.')[2]}  {self.edit}    in: {source}"


# ---------------------------------------------------------------------------------------------------------------------
# Edits

def mutants(name: str, equal: Callable[[str, int, str], bool] | None = None) -> list[Mutant]:
    """Every edit of the kernel called `name` in `KERNELS`, without those that ``equal(file, line, edit)`` takes out."""
    function = KERNELS[name].py_func
    tree, file = _parsed(function), function.__code__.co_filename
    made = []
    for number, (line, edit) in enumerate([(line, edit) for line, edit, _ in _edits(tree)]):
        exempt = EXEMPT.search(linecache.getline(file, line))
        if exempt and (exempt["edits"] is None or edit in exempt["edits"].split("; ")):
            continue
        if equal is not None and equal(file, line, edit):
            continue
        edited = copy.deepcopy(tree)
        list(_edits(edited))[number][2]()
        made.append(Mutant(name, file, line, edit, _compiled(edited, function)))
    return made


def exemptions(name: str) -> list[tuple[int, str, str]]:
    """Line, edits and reason of what is taken out of a kernel; edits that the line does not offer are a mistake."""
    function = KERNELS[name].py_func
    offered: dict[int, set[str]] = {}
    for line, edit, _ in _edits(_parsed(function)):
        offered.setdefault(line, set()).add(edit)
    found = []
    for number, text in enumerate(inspect.getsourcelines(function)[0], inspect.getsourcelines(function)[1]):
        exempt = EXEMPT.search(text)
        if exempt:
            edits = set(exempt["edits"].split("; ")) if exempt["edits"] else offered.get(number, set())
            if not edits or not edits <= offered.get(number, set()):
                raise ValueError(f"{_short(function.__code__.co_filename)}:{number} exempts {exempt['edits'] or 'all edits'}, "
                                 f"but offers {'; '.join(sorted(offered.get(number, set()))) or 'none'}")
            found.append((number, "; ".join(sorted(edits)), exempt["reason"].strip()))
    return found


def _parsed(function) -> ast.FunctionDef:
    lines, first = inspect.getsourcelines(function)
    node = ast.parse(textwrap.dedent("".join(lines))).body[0]
    assert isinstance(node, ast.FunctionDef)
    ast.increment_lineno(node, first - 1)
    node.decorator_list = []
    return node


def _compiled(node, function) -> types.FunctionType:
    """The function that `node` defines, in the namespace of `function`: no exec, the code object is taken as it is."""
    module = compile(ast.fix_missing_locations(ast.Module([node], [])), function.__code__.co_filename, "exec")
    body = next(const for const in module.co_consts if isinstance(const, types.CodeType))
    return types.FunctionType(body, function.__globals__, function.__name__, function.__defaults__)


def _edits(tree) -> Iterator[tuple[int, str, Callable[[], None]]]:
    """(line, description, function that edits the tree in place) for each place; in the same order every time."""
    indices = sorted({name.id for node in ast.walk(tree) if isinstance(node, ast.Subscript)
                      for name in ast.walk(node.slice) if isinstance(name, ast.Name)})
    sizes = {id(part) for call in ast.walk(tree)  # a buffer that is larger than needed changes nothing
             if isinstance(call, ast.Call) and call.args and _last_name(call.func) in ALLOCATE for part in ast.walk(call.args[0])}
    for node in _code(tree):
        if id(node) in sizes:
            continue
        if isinstance(node, (ast.BinOp, ast.AugAssign)):
            for other in BINARY[type(node.op)]:
                equals = "=" if isinstance(node, ast.AugAssign) else ""
                yield _swap(node, "op", other(), f"{SYMBOL[type(node.op)]}{equals} → {SYMBOL[other]}{equals}")
        elif isinstance(node, ast.Compare):
            for place, op in enumerate(node.ops):
                for other in COMPARE.get(type(op), ()):
                    yield _swap(node.ops, place, other(), f"{SYMBOL[type(op)]} → {SYMBOL[other]}", node)
        elif isinstance(node, ast.BoolOp):
            joint = ast.Or if isinstance(node.op, ast.And) else ast.And
            yield _swap(node, "op", joint(), f"{SYMBOL[type(node.op)]} → {SYMBOL[joint]}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool):
            yield _swap(node, "value", not node.value, f"{node.value} → {not node.value}")
        elif isinstance(node, ast.Constant) and isinstance(node.value, (int, float)):
            yield _swap(node, "value", node.value + 1, f"{node.value} → {node.value + 1}")
            if node.value == 1:
                yield _swap(node, "value", type(node.value)(0), f"{node.value} → 0")
        elif isinstance(node, ast.Name) and node.id in EXTREMES and isinstance(node.ctx, ast.Load):
            yield _swap(node, "id", EXTREMES[node.id], f"{node.id} → {EXTREMES[node.id]}")
        elif isinstance(node, ast.Attribute) and node.attr in EXTREMES:
            yield _swap(node, "attr", EXTREMES[node.attr], f"{node.attr} → {EXTREMES[node.attr]}")
        elif isinstance(node, ast.Subscript):
            index = node.slice
            if isinstance(index, ast.Tuple) and len(index.elts) == 2 and ast.dump(index.elts[0]) != ast.dump(index.elts[1]):
                yield _swap(index, "elts", index.elts[::-1], f"[{_pair(index.elts)}] → [{_pair(index.elts[::-1])}]", node)
            for part in index.elts if isinstance(index, ast.Tuple) else [index]:
                if isinstance(part, ast.Name):  # one other index, the next in the alphabet, so that the list stays short
                    names = [name for name in indices if name != part.id]
                    if names:
                        name = next((name for name in names if name > part.id), names[0])
                        yield _swap(part, "id", name, f"{ast.unparse(node)}: {part.id} → {name}", node)
        for block in ("body", "orelse"):
            for place, statement in enumerate(getattr(node, block, []) if isinstance(getattr(node, block, []), list) else []):
                if isinstance(statement, (ast.Break, ast.Continue)):
                    swapped = ast.Continue if isinstance(statement, ast.Break) else ast.Break
                    yield _swap(getattr(node, block), place, ast.copy_location(swapped(), statement),
                                f"{type(statement).__name__.lower()} → {swapped.__name__.lower()}", statement)
        for block in ("test", "operand", "value", "left"):  # where one expression takes the place of another
            inner = getattr(node, block, None)
            if isinstance(inner, ast.UnaryOp) and isinstance(inner.op, (ast.Not, ast.USub)):
                sign = "not " if isinstance(inner.op, ast.Not) else "-"
                yield _swap(node, block, inner.operand, f"{sign}x → x", inner)


def _swap(owner, name, value, edit, node=None):
    def apply():
        if isinstance(owner, list):
            owner[name] = value
        else:
            setattr(owner, name, value)

    return (owner if node is None else node).lineno, edit, apply


def _pair(elements) -> str:
    return ", ".join(ast.unparse(one) for one in elements)


def _code(node):
    """The nodes that compute: no docstrings, annotations, defaults, texts of errors, or hints to the memory system."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, (ast.arguments, ast.Raise, ast.Assert)):
            continue
        if isinstance(child, ast.Expr) and (isinstance(child.value, ast.Constant) or _is_hint(child.value)):
            continue
        if isinstance(child, ast.If) and all(isinstance(part, ast.Expr) and _is_hint(part.value) for part in child.body):
            continue  # `if near the end: prefetch(...)`
        yield child
        yield from _code(child)


def _is_hint(call) -> bool:
    return isinstance(call, ast.Call) and _last_name(call.func) in HINTS


def _last_name(function) -> str:
    return ast.unparse(function).rpartition(".")[2]


# ---------------------------------------------------------------------------------------------------------------------
# Who reaches whom

def called(function) -> set[str]:
    """Names (in `KERNELS`) of the kernels that a plain function or kernel names, directly."""
    function = getattr(function, "py_func", function)
    by_id = {id(one): name for name, one in KERNELS.items()}
    by_id.update({id(one.py_func): name for name, one in KERNELS.items()})
    found, namespace = set(), function.__globals__
    words = set(_words(function.__code__))
    for word in words & namespace.keys():
        value = namespace[word]
        if isinstance(value, types.ModuleType):  # module.kernel(...)
            found |= {by_id[id(part)] for key in words if (part := vars(value).get(key)) is not None and id(part) in by_id}
        elif id(value) in by_id:
            found.add(by_id[id(value)])
    return found


def reached(names) -> set[str]:
    """`names` with all that they call, and what those call."""
    found, todo = set(), list(names)
    while todo:
        name = todo.pop()
        if name not in found:
            found.add(name)
            todo += called(KERNELS[name])
    return found


def covered_by(oracle) -> set[str]:
    """Names of the kernels whose results the oracle compares."""
    by_id = {id(one): name for name, one in KERNELS.items()}
    return reached(by_id[id(one)] for one in oracle.kernels)


def _words(code):
    yield from code.co_names
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _words(constant)


# ---------------------------------------------------------------------------------------------------------------------
# The trial

class TooLong(BaseException):  # no `except Exception` of the code under trial may take it
    pass


@dataclass
class Bench:
    """An oracle with its examples from several seeds and the formula's answers, made when they are needed."""

    oracle: Oracle
    rounds: dict[int, list] = field(default_factory=dict)  # seed → [(arguments, answers of the formula), …]
    seconds: float = 0.0  # of the unharmed kernels, as plain Python, on the examples of one seed

    @classmethod
    def of(cls, oracle) -> Bench:
        bench = cls(oracle)
        bench.round(0)
        return bench

    def round(self, seed: int) -> list:
        """The examples of `seed`; raises `AssertionError` if the unharmed kernels disagree with the formula there."""
        if seed not in self.rounds:
            examples = [make(np.random.default_rng(seed)) for make in self.oracle.examples]
            with _silent():
                self.rounds[seed] = [(one, arrays_of(self.oracle.formula(*copy.deepcopy(one)))) for one in examples]
                start = time.perf_counter()
                with interpreted():
                    for arguments, wanted in self.rounds[seed]:
                        if not agree(arrays_of(self.oracle.fast(*copy.deepcopy(arguments))), wanted, self.oracle):
                            raise AssertionError(f"{self.oracle.name} disagrees with its formula on the example of seed {seed}")
            self.seconds = max(self.seconds, time.perf_counter() - start)
        return self.rounds[seed]

    def objection(self, seed: int, kernel: Kernel, stand_in: Callable) -> str | None:
        """What the examples of `seed` show while `stand_in` runs in the place of `kernel`; None if nothing."""
        examples = self.round(seed)
        kernel.stand_in = stand_in
        try:
            with interpreted(), _silent(), _time_limit(max(1.0, 10 * self.seconds)):
                for arguments, wanted in examples:
                    if not agree(arrays_of(self.oracle.fast(*copy.deepcopy(arguments))), wanted, self.oracle):
                        return "differs"
        except TooLong:
            return "takes too long"
        except Exception as error:
            return f"raises {type(error).__name__}"
        finally:
            kernel.stand_in = None
        return None


def try_mutant(mutant: Mutant, benches: list[Bench], seeds: int = SEEDS) -> str | None:
    """How the mutant is caught, by one of `benches`; None if it survives."""
    for seed in range(seeds):
        for bench in benches:
            objection = bench.objection(seed, KERNELS[mutant.kernel], mutant.function)
            if objection:
                return f"{bench.oracle.name} {objection}"
    return None


@dataclass
class Score:
    """How many edits were tried and caught, and which survived."""

    tried: int
    survivors: list[Mutant]
    unreached: list[str]

    @property
    def caught(self) -> float:
        return 1 - len(self.survivors) / self.tried if self.tried else 1.0

    def __str__(self):
        lines = [f"{self.tried - len(self.survivors)} of {self.tried} mutants caught ({100 * self.caught:.1f} %)"]
        lines += [f"  survived: {one}" for one in sorted(self.survivors, key=lambda one: (one.file, one.line))]
        lines += [f"  no oracle reaches {name}" for name in self.unreached]
        return "\n".join(lines)


def trial(names=None, oracles=None, *, equal=None, at_most: int | None = None, seconds: float | None = None,
          seed: int = 0) -> Score:
    """Try the edits of the kernels `names` (all by default) against `oracles` (all by default).

    Parameters
    ----------
    equal : callable, optional
        ``equal(file, line, edit)`` is true of an edit that changes no result, beside those that a comment names.
    at_most : int, optional
        Try a random sample of that many edits.
    seconds : float, optional
        Stop after that time; the score is that of the edits tried so far (they come in random order).
    seed : int
        Of the order.
    """
    chosen = list(KERNELS if names is None else names)
    everyone = list((ORACLES if oracles is None else oracles).values())
    watchers = {name: [one for one in everyone if name in covered_by(one)] for name in chosen}
    todo = [mutant for name in chosen if watchers[name] for mutant in mutants(name, equal)]
    random.Random(seed).shuffle(todo)
    benches: dict[str, Bench] = {}
    end = None if seconds is None else time.perf_counter() + seconds
    tried, survivors = 0, []
    for mutant in todo[:at_most]:
        if end is not None and time.perf_counter() > end:
            break
        for one in watchers[mutant.kernel]:
            if one.name not in benches:
                benches[one.name] = Bench.of(one)
        quickest = sorted((benches[one.name] for one in watchers[mutant.kernel]), key=lambda bench: bench.seconds)
        tried += 1
        if try_mutant(mutant, quickest) is None:
            survivors.append(mutant)
    return Score(tried, survivors, [name for name in chosen if not watchers[name]])


@contextlib.contextmanager
def _silent():
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _time_limit(seconds: float):
    """Raise `TooLong` in this thread after `seconds` (POSIX, main thread)."""

    def late(number, frame):
        raise TooLong

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _short(file) -> str:
    parts = Path(file).parts
    return "/".join(parts[parts.index("homespun") + 1:]) if "homespun" in parts else parts[-1]
