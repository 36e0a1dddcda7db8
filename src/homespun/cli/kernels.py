"""``homespun warmup`` compiles the kernels."""

from __future__ import annotations

import typer


def warmup() -> None:
    """Compile all kernels for this machine, so that no later call waits for the compiler."""
    from homespun.kernels.build import build_all

    typer.echo(f"all kernels are compiled, {build_all():.1f} s")
