"""Model files: `save` and `load` one `.homespun` file without pickle, `describe` it, `export_python` a NumPy
runner, `export_onnx` a graph."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(
    __name__,
    {
        "save": "model_file",
        "load": "model_file",
        "describe": "model_file",
        "export_python": "exporter",
        "export_onnx": "onnx_exporter",
    },
)
