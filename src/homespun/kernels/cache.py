"""The kernel cache: compiled once, then loaded in milliseconds, by any process, from a read-only installation too.

Numba's own cache stamps only the file in which a kernel stands (a changed helper elsewhere gave a stale result), keys on
the exact CPU name, and needs a writable directory beside the source. Ours is content-addressed. The name of an entry is
a hash of everything that its machine code depends on:

    bytecode and constants of the kernel and of every kernel, function and constant that it reaches
    + signature + options + instruction-set level + Python, NumPy, Numba, llvmlite versions + platform

so a stale or foreign entry cannot be found at all, and an edit of one kernel recompiles that kernel and nothing else.

Two places are looked at, in this order:
1. ``homespun/kernels/_cache/``, filled by ``python -m homespun.kernels.build``; it travels in the wheel and is only read.
   Its entries are made for a level (x86-64-v3, x86-64-v4), not for one CPU.
2. the user's cache directory (``HOMESPUN_CACHE_DIR``, else ``XDG_CACHE_HOME`` or ``~/.cache``), for what the first lacks.
   Entries are machine code, so the directory must belong to this user and be closed to others (0700); otherwise it is
   not used and kernels are compiled afresh.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import os
import pickle
import platform
import stat
import sys
import sysconfig
import tempfile
import types as python_types
from pathlib import Path

import llvmlite
import numba
import numpy as np
from numba.core import compiler, config, sigutils
from numba.core.dispatcher import Dispatcher

SHIPPED = Path(__file__).with_name("_cache")
_DIGEST = 16  # bytes of checksum in front of every entry


# ---------------------------------------------------------------------------------------------------------------------
# The level of this machine

_LEVEL_FEATURES = {  # what tells the psABI levels apart, in LLVM's names
    "x86-64-v4": ("avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"),
    "x86-64-v3": ("avx2", "bmi", "bmi2", "f16c", "fma", "lzcnt", "movbe"),
}


@functools.cache
def level() -> str:
    """The instruction-set level that kernels are compiled for: "x86-64-v4", "x86-64-v3", or the CPU's LLVM name.

    ``NUMBA_CPU_NAME`` decides where it is set; otherwise the features of the host do. ``NUMBA_CPU_FEATURES`` makes a target of
    its own: no entry of a level is for somebody who switches instructions off.
    """
    if config.CPU_FEATURES:
        return f"{config.CPU_NAME or 'host'} {config.CPU_FEATURES}"
    if config.CPU_NAME:
        return config.CPU_NAME
    import llvmlite.binding as llvm

    features = llvm.get_host_cpu_features()
    for name, needed in _LEVEL_FEATURES.items():
        if all(features.get(feature) for feature in needed):
            return name
    return llvm.get_host_cpu_name()


def has_avx512() -> bool:
    """Whether kernels may assume 32 vector registers of 64 bytes (otherwise: 16 of 32 bytes)."""
    if config.CPU_NAME:
        return config.CPU_NAME == "x86-64-v4" or "+avx512f" in (config.CPU_FEATURES or "") or (
            config.CPU_NAME.startswith(("znver4", "znver5", "skylake-avx512", "cascadelake", "icelake", "sapphirerapids")))
    return level() == "x86-64-v4"


# ---------------------------------------------------------------------------------------------------------------------
# What a kernel depends on

_VERSIONED = ("numpy", "numba", "llvmlite", *sys.stdlib_module_names)  # their versions are part of every key


def content_hash(py_func) -> str:
    """Hash of the bytecode and constants of `py_func` and of everything it reaches through its globals."""
    seen: dict[int, bytes] = {}
    digest = hashlib.blake2b(digest_size=20)
    _add_function(py_func, digest, seen)
    return digest.hexdigest()


def _add_function(function, digest, seen):
    if id(function) in seen:  # recursion, or a helper met twice
        digest.update(b"again" + function.__qualname__.encode())
        return
    seen[id(function)] = b""
    digest.update(function.__qualname__.encode())
    digest.update(repr(function.__defaults__).encode())
    for value in function.__defaults__ or ():
        _add_value(value, digest, seen)
    _add_code(function.__code__, function.__globals__, digest, seen)
    if function.__closure__:
        raise TypeError(f"kernel {function.__qualname__} has a closure; kernels take what they need as arguments")


def _add_code(code, namespace, digest, seen):
    digest.update(code.co_code)
    digest.update(repr((code.co_varnames, code.co_names, code.co_argcount)).encode())
    for constant in code.co_consts:
        if isinstance(constant, python_types.CodeType):
            _add_code(constant, namespace, digest, seen)
        else:
            digest.update(repr(constant).encode())
    for name in code.co_names:  # attribute names are among them too; a global of that name is hashed once too often, no harm
        if name in namespace:
            digest.update(name.encode())
            _add_value(namespace[name], digest, seen)
            if isinstance(namespace[name], python_types.ModuleType):
                _add_attributes(namespace[name], code.co_names, digest, seen)


def _add_attributes(module, names, digest, seen):
    """What the code may mean by ``module.name``; of NumPy, Numba and the like their versions are in the key already."""
    if id(module) in seen or module.__name__.partition(".")[0] in _VERSIONED:
        return
    seen[id(module)] = b""
    for name in names:
        value = vars(module).get(name)
        if value is not None:
            digest.update(name.encode())
            _add_value(value, digest, seen)
            if isinstance(value, python_types.ModuleType):
                _add_attributes(value, names, digest, seen)


def _add_value(value, digest, seen):
    if isinstance(value, Dispatcher):
        digest.update(repr(_options(value.targetoptions)).encode())
        _add_function(value.py_func, digest, seen)
    elif isinstance(value, python_types.ModuleType):
        digest.update(_module_hash(value))
    elif isinstance(value, python_types.FunctionType):  # an @overload stub such as those of simd: its file is its content
        home = sys.modules.get(value.__module__)
        if home is not None:
            digest.update(_module_hash(home))
        else:  # of `exec`: there is no file
            _add_function(value, digest, seen)
    elif isinstance(value, np.ndarray):
        digest.update(str((value.dtype, value.shape)).encode() + value.tobytes())
    elif isinstance(value, (int, float, complex, str, bytes, bool, tuple, np.generic)):
        digest.update(f"{type(value).__name__} {value!r}".encode())
        for part in value if isinstance(value, tuple) else ():  # the text of a large array leaves its middle out
            _add_value(part, digest, seen)
    else:  # a class, a Numba type, a builtin: known by its name
        digest.update(f"{type(value).__module__} {getattr(value, '__qualname__', '') or value!s}".encode())


def _options(options: dict) -> list:
    return sorted((name, sorted(value) if isinstance(value, (set, frozenset)) else value) for name, value in options.items())


def _module_hash(module) -> bytes:
    if module.__name__.partition(".")[0] in _VERSIONED or not str(getattr(module, "__file__", None)).endswith(".py"):
        return module.__name__.encode()
    return _file_hash(module.__file__)


@functools.cache
def _file_hash(path: str) -> bytes:
    return hashlib.blake2b(Path(path).read_bytes(), digest_size=16).digest()


# ---------------------------------------------------------------------------------------------------------------------
# Where entries live

_SETTINGS = {  # Numba's settings that change the machine code, with their defaults
    "LOOP_VECTORIZE": 1, "SLP_VECTORIZE": 0, "USING_SVML": False, "ENABLE_AVX": True, "LLVM_REFPRUNE_PASS": 1,
    "LLVM_REFPRUNE_FLAGS": "all", "EXTEND_VARIABLE_LIFETIMES": 0, "ENABLE_PROFILING": 0, "DEBUG_NRT": 0, "NRT_STATS": 0,
    "DEBUG_ARRAY_OPT_RUNTIME": 0, "PARFOR_MAX_TUPLE_SIZE": 100,
}


@functools.cache
def _environment() -> str:
    """Versions, platform, and Numba's settings as far as they differ from its defaults."""
    changed = sorted((name, value) for name, usual in _SETTINGS.items() if (value := getattr(config, name, usual)) != usual)
    return repr((
        "homespun kernels 1", sysconfig.get_config_var("SOABI"), platform.system(), platform.machine(),
        numba.__version__, llvmlite.__version__, ".".join(np.__version__.split(".")[:2]),
        config.BOUNDSCHECK, config.DEBUGINFO_DEFAULT, config.OPT, *changed,
    ))


@functools.cache
def user_directory() -> Path | None:
    """The user's own directory of compiled kernels, or None where there is no safe place to write."""
    chosen = os.environ.get("HOMESPUN_CACHE_DIR")
    base = Path(chosen) if chosen else Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homespun"
    directory = base / "kernels"
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        about = directory.stat()
        if os.name == "posix" and (about.st_uid != os.getuid() or stat.S_IMODE(about.st_mode) & 0o022):
            return None  # somebody else could put machine code there
        return directory if os.access(directory, os.R_OK | os.W_OK | os.X_OK) else None
    except (OSError, RuntimeError):
        return None


class KernelCache:
    """The `_cache` of one kernel: Numba calls `load_overload` before it compiles and `save_overload` after."""

    def __init__(self, py_func, options: dict, pinned: bool):
        self.py_func = py_func
        self.pinned = pinned
        self.options = options
        self.name = f"{py_func.__module__.removeprefix('homespun.')}.{py_func.__qualname__}".replace("<", "").replace(">", "")

    @functools.cached_property
    def content(self) -> str:
        return content_hash(self.py_func)

    @property
    def cache_path(self) -> str:
        return str(SHIPPED)

    def enable(self):  # Numba's interface; ours is always on
        pass

    def disable(self):
        pass

    def flush(self):
        pass

    def entry(self, signature, target: str) -> str:
        """File name of the entry for `signature`, compiled for `target` (a level, or this CPU with its features)."""
        arguments, _ = sigutils.normalize_signature(signature)
        key = repr((_environment(), target, self.content, str(arguments), _options(self.options)))
        return f"{self.name}.{hashlib.blake2b(key.encode(), digest_size=12).hexdigest()}"

    def load_overload(self, signature, target_context):
        target_context.refresh()
        for path in self.places(signature, target_context.codegen()):
            compiled = _read(path)
            if compiled is not None:
                return compiler.CompileResult._rebuild(target_context, *compiled)
        return None

    def save_overload(self, signature, compiled):
        if compiled.library.has_dynamic_globals or any(not lifted.can_cache for lifted in compiled.lifted):
            raise TypeError(f"kernel {self.name} cannot be cached: it holds a pointer or lifted code")
        for path in self.places(signature, compiled.codegen):
            if path.parent != SHIPPED or (self.pinned and os.environ.get("HOMESPUN_BUILD_KERNELS")):
                _write(path, compiled._reduce())

    def places(self, signature, codegen=None) -> list[Path]:
        """The shipped entry for this level, then (if a `codegen` tells it) the user's entry for exactly this CPU."""
        places = [SHIPPED / self.entry(signature, level())]
        user = None if os.environ.get("HOMESPUN_BUILD_KERNELS") else user_directory()
        if user is not None and codegen is not None:
            places.append(user / self.entry(signature, repr(codegen.magic_tuple())))
        return places


def _read(path: Path):
    """The entry at `path`, or None if there is none or it is damaged."""
    try:
        data = path.read_bytes()
    except OSError:
        return None
    if hashlib.blake2b(data[_DIGEST:], digest_size=_DIGEST).digest() != data[:_DIGEST]:
        return None
    try:
        return pickle.loads(data[_DIGEST:])
    except (ImportError, AttributeError):  # it names a module (of `exec`) or a type that is not there: compile again
        return None


def _write(path: Path, compiled) -> None:
    """Write the entry whole or not at all: two processes may compile the same kernel at the same time."""
    from numba.core.serialize import dumps

    data = dumps(compiled)
    data = hashlib.blake2b(data, digest_size=_DIGEST).digest() + data
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".new-", delete=False) as file:
            file.write(data)
        os.chmod(file.name, 0o644 if path.parent == SHIPPED else 0o600)
        os.replace(file.name, path)
    except OSError:  # full disk, read-only: the kernel works, only the next process compiles again
        with contextlib.suppress(OSError, UnboundLocalError):
            os.unlink(file.name)
