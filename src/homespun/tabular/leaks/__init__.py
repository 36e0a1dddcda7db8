"""Leaks: `find` says what is looked for; the checks stand in `one_column`, `two_columns` and `rows`."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {"Leak": "finding", "find_leaks": "find"})
