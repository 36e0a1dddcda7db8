"""``python -m homespun.cli`` is ``homespun``."""

from homespun.cli import main

main()
