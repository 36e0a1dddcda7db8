"""The error tree under the name that users import: ``from homespun.errors import ShapeError``."""

from homespun.base.errors import DataError, HomespunError, ModelFileError, ParameterError, ShapeError

__all__ = ["DataError", "HomespunError", "ModelFileError", "ParameterError", "ShapeError"]
