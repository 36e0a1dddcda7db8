"""The machine of a measurement: its description, its idleness, and the switches that keep libraries to some instructions."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time

ISAS = ("native", "avx2")
PACKAGES = {"homespun": "homespun", "sklearn": "scikit-learn", "sklearnex": "scikit-learn-intelex", "lightgbm": "lightgbm",
            "xgboost": "xgboost", "faiss": "faiss-cpu", "skglm": "skglm", "onnxruntime": "onnxruntime", "numpy": "numpy"}


def environment(isa: str, threads: int) -> dict[str, str]:
    """Variables for a side's process: as many threads for every pool, and AVX2 at most where `isa` says so.

    The switches are the libraries' own: NUMBA_* is also skglm's; OpenBLAS serves NumPy, SciPy, scikit-learn and FAISS.
    LightGBM, XGBoost and scikit-learn's own loops are built for any x86-64 and never use AVX-512. oneDAL and ONNX Runtime
    have no switch (MKL_ENABLE_INSTRUCTIONS limits only a part of oneDAL): they run as they like, and their rows say so.
    """
    pools = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "NUMEXPR_NUM_THREADS")
    chosen = dict.fromkeys(pools, str(threads)) | {"PYTHONHASHSEED": "0"}
    if isa == "avx2":
        chosen |= {"NUMBA_CPU_NAME": "x86-64-v3", "NUMBA_CPU_FEATURES": "", "OPENBLAS_CORETYPE": "Haswell",
                   "NPY_DISABLE_CPU_FEATURES": " ".join(_numpy_avx512()), "FAISS_SIMD_LEVEL": "AVX2",
                   "FAISS_OPT_LEVEL": "AVX2", "MKL_ENABLE_INSTRUCTIONS": "AVX2"}
    return {**os.environ, **chosen}


def _numpy_avx512() -> list[str]:
    from numpy._core._multiarray_umath import __cpu_dispatch__

    return [name for name in __cpu_dispatch__ if "AVX512" in name or name == "X86_V4"]


def describe() -> dict:
    """What a reader needs to judge the numbers; no names."""
    try:
        with open("/proc/cpuinfo") as file:
            facts = dict(line.split(":", 1) for line in file.read().split("\n\n")[0].splitlines() if ":" in line)
        facts = {key.strip(): value.strip() for key, value in facts.items()}
    except OSError:
        facts = {}
    flags = facts.get("flags", "").split()
    return {
        "processor": facts.get("model name") or platform.processor() or platform.machine(),
        "widest_vectors": "AVX-512" if "avx512f" in flags else "AVX2" if "avx2" in flags else platform.machine(),
        "processors": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "system": platform.system(),
        "python": platform.python_version(),
    }


def version(module: str) -> str:
    """Version of the package that `module` comes from, or "" if it is not installed."""
    try:
        return importlib.metadata.version(PACKAGES.get(module, module))
    except importlib.metadata.PackageNotFoundError:
        return ""


def _processor_times() -> tuple[int, int]:
    with open("/proc/stat") as file:
        times = [int(part) for part in file.readline().split()[1:9]]
    return sum(times), times[3] + times[4]


def wait_until_idle(seconds: float = 15, idle: float = 0.88) -> bool:
    """Wait until the processors were idle for 0.15 s, at most `seconds`. False: they never were (or it cannot be told)."""
    try:
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            total, free = _processor_times()
            time.sleep(0.15)
            later, freed = _processor_times()
            if later > total and (freed - free) / (later - total) >= idle:
                return True
    except OSError:
        pass
    return False


def pin(threads: int) -> None:
    """Keep this process to `threads` processors, for the libraries whose pools heed no variable."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:threads])


def resident_mb(which: str = "VmRSS") -> float:
    """Memory of this process in MB: now ("VmRSS") or at most since `forget_peak` ("VmHWM")."""
    with open("/proc/self/status") as file:
        for line in file:
            if line.startswith(which):
                return int(line.split()[1]) / 1024
    raise OSError(f"/proc/self/status has no {which}")


def forget_peak() -> None:
    """Start a new high-water mark of memory."""
    try:
        with open("/proc/self/clear_refs", "w") as file:
            file.write("5")
    except OSError:  # not allowed here: the mark of the whole process remains, which is at or above the true one
        pass
