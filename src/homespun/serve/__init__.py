"""A served model: ``homespun serve cars.homespun``. POST /predict, GET /schema, /health, /metrics, /docs, and a form at /."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {"Contract": "contract", "make_app": "app", "load_test": "load", "serve": "server", "write_docker": "docker"},
)
