"""``homespun warmup`` compiles the kernels; ``homespun prove NAME`` shows that one does what its formula says."""

from __future__ import annotations

import typer


def warmup() -> None:
    """Compile all kernels for this machine, so that no later call waits for the compiler."""
    from homespun.kernels.build import build_all

    typer.echo(f"all kernels are compiled, {build_all():.1f} s")


def prove(name: str = typer.Argument(..., help="Name of a fast function, or any unambiguous end of it.")) -> None:
    """Run a kernel and its formula on example data: largest difference, time of both."""
    from homespun.kernels.oracle import prove as compare
    from homespun.testing import import_all

    import_all()  # every oracle registers itself where it is defined
    proof = compare(name)
    typer.echo(str(proof))
    if not proof.equal:
        raise typer.Exit(1)
