"""`homespun export MODEL --format docker`: a folder that `docker build` turns into the served model.

Dockerfile, the model file, and the versions that it was exported with. The image has two stages: pip and its cache stay in
the first. It runs as a user without rights, listens on 8000, says whether it is healthy, and stops on SIGTERM when the
requests in hand are answered. Kernels that the wheel brings no compiled form of are compiled while the image is built.
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import tempfile
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from homespun import __version__
from homespun.base.errors import DataError, ParameterError

PACKAGES = ("numpy", "scipy", "numba", "scikit-learn", "narwhals", "pandas", "duckdb", "fastapi", "uvicorn", "prometheus-client",
            "jinja2")  # the ones whose versions may change an answer, or the server

_DOCKERFILE = """\
# Predicts {target}; served by homespun {version}.
#   docker build -t {name} .
#   docker run --rm -p 8000:8000 {name}
FROM python:{python}-slim AS build
RUN python -m venv /opt/venv
COPY requirements.txt {wheel}/tmp/install/
RUN /opt/venv/bin/pip install --no-cache-dir {install} -r /tmp/install/requirements.txt

FROM python:{python}-slim
ENV PATH=/opt/venv/bin:$PATH PYTHONUNBUFFERED=1 HOMESPUN_PROGRESS=0
COPY --from=build /opt/venv /opt/venv
RUN useradd --create-home --uid 10001 model
WORKDIR /home/model
USER model
RUN homespun warmup
COPY --chown=model model.homespun {code}./
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s \\
    CMD ["python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["homespun", "serve", "model.homespun", "--host", "0.0.0.0", "--port", "8000"{allow}]
"""


def write_docker(model_file, folder, *, code=None, wheel=None) -> Path:
    """Write the folder.

    Parameters
    ----------
    model_file : path-like
        A ``.homespun`` file; it is loaded once, to know that it can be served.
    folder : path-like
        Made if it is not there; a folder with other files in it is refused.
    code : path-like, optional
        Python file of a custom model, which the image then holds, too.
    wheel : path-like, optional
        A homespun wheel to install instead of the published one.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    ModelFileError, DataError
        No model that can be served; a folder that holds something else.
    """
    from homespun.persist import load
    from homespun.serve.contract import Contract

    contract = Contract.of(load(model_file, allow_code=code))
    folder = Path(folder)
    strangers = sorted({one.name for one in folder.iterdir()} - _OURS - {_name(code), _name(wheel)}) if folder.is_dir() else []
    if strangers or (folder.exists() and not folder.is_dir()):
        raise DataError(f"export: {str(folder)!r} holds {strangers[0]!r}; choose a folder of its own" if strangers else
                        f"export: {str(folder)!r} is a file", operation="export", operands={"folder": str(folder)},
                        rule="a new or empty folder")
    if wheel is not None and not re.fullmatch(r"homespun-.*\.whl", _name(wheel)):
        raise ParameterError(f"export: the wheel must be a file homespun-….whl, got {str(wheel)!r}", operation="export",
                             operands={"wheel": str(wheel)}, rule="a homespun wheel")
    name = image_name(model_file)
    dockerfile = _DOCKERFILE.format(
        target=re.sub(r"\s+", " ", contract.target), version=__version__, name=name,
        python=".".join(platform.python_version_tuple()[:2]),
        wheel=f"{_name(wheel)} " if wheel else "", code=f"{_name(code)} " if code else "",
        install=f"'/tmp/install/{_name(wheel)}[serve]'" if wheel else f"'homespun[serve]=={__version__}'",
        allow=f', "--code", "{_name(code)}"' if code else "",
    )
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:  # complete, or not at all
        shutil.copyfile(model_file, draft / "model.homespun")
        for extra in filter(None, (code, wheel)):
            shutil.copyfile(extra, draft / _name(extra))
        (draft / "Dockerfile").write_text(dockerfile, encoding="utf-8")
        (draft / "requirements.txt").write_text("".join(f"{one}\n" for one in _versions()), encoding="utf-8")
        (draft / ".dockerignore").write_text("*\n!model.homespun\n!requirements.txt\n!*.py\n!*.whl\n", encoding="utf-8")
        draft.chmod(0o755)
        folder.mkdir(exist_ok=True)
        for one in draft.iterdir():
            os.replace(one, folder / one.name)
    finally:
        shutil.rmtree(draft, ignore_errors=True)
    return folder


_OURS = {"model.homespun", "Dockerfile", "requirements.txt", ".dockerignore"}


def image_name(model_file) -> str:
    """What the image is called: Docker takes no blanks and no capitals."""
    return re.sub(r"[^a-z0-9]+", "-", Path(model_file).stem.lower()).strip("-") or "model"


def _name(path) -> str:
    return Path(path).name if path else ""


def _versions() -> list[str]:
    """The versions of this environment: the model was tried with them."""
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package}=={version(package)}")
        except PackageNotFoundError:
            continue
    return found
