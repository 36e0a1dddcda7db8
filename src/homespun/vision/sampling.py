"""One picture seen through an affine map: rotation, scale, crop and flip are the same loop with other numbers.

    out[i, c, r, s] = image[i, c] at (y, x) = M_i (r, s, 1)        images: (n, c, h, w)    M: (n, 2, 3)    out: (n, c, H, W)

M leads from the pixels of the result to those of the picture, so that no pixel of the result is left without a value. Between
pixels: the four around (y, x), weighted by nearness (bilinear); what lies outside of the picture counts as `fill`.

O(n c H W). Not handled: antialiasing. A picture that becomes several times smaller skips pixels; shrink it by block means first.
"""

from __future__ import annotations

import numpy as np

from homespun.base.errors import DataError, ShapeError
from homespun.base.params import Integer, OneOf, check_param
from homespun.base.shapes import shapes
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle
from homespun.kernels.threads import over_blocks


def sample_affine(images, matrices, size, fill: float = 0.0, interpolation: str = "bilinear") -> np.ndarray:
    """Each image through its own affine map.

    Parameters
    ----------
    images : ndarray of shape (n, c, h, w) or (n, h, w)
        Floats, or whole numbers: those are rounded, and stay within their type.
    matrices : ndarray of shape (n, 2, 3)
        (row, column, 1) of the result → (row, column) of the image; the middle of the first pixel is (0, 0).
    size : (int, int)
        Height and width of the result.
    fill : float
        What lies outside of the image.
    interpolation : {"bilinear", "nearest"}

    Returns
    -------
    ndarray of shape (n, c, H, W) or (n, H, W), of the images' dtype

    Raises
    ------
    ShapeError
        Images of another number of axes, matrices that do not fit.

    Examples
    --------
    >>> picture = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> mirror = np.array([[[1.0, 0.0, 0.0], [0.0, -1.0, 1.0]]])           # column → 1 - column
    >>> sample_affine(picture, mirror, (2, 2))
    array([[[2., 1.],
            [4., 3.]]])
    """
    images, matrices = np.asarray(images), np.asarray(matrices, dtype=np.float64)
    check_param("sample_affine", "interpolation", interpolation, OneOf("bilinear", "nearest"))
    for extent in size:
        check_param("sample_affine", "size", extent, Integer(low=1))
    pictures = with_channels(images)
    if not np.isfinite(matrices).all():
        raise DataError("sample_affine: matrices hold NaN or infinity", operation="sample_affine",
                        operands={"matrices": matrices.shape}, rule="finite numbers")
    shapes("images: n c h w, matrices: n 2 3", images=pictures, matrices=matrices)
    kind = np.float64 if images.dtype == np.float64 or images.dtype.itemsize > 4 else np.float32
    out = np.empty((*pictures.shape[:2], *size), dtype=kind)
    over_blocks(sample_image, len(pictures), np.ascontiguousarray(pictures, dtype=kind), np.ascontiguousarray(matrices),
                float(fill), interpolation == "nearest", out)
    if images.dtype.kind in "iub":
        limits = np.iinfo(images.dtype) if images.dtype.kind != "b" else None
        out = out >= 0.5 if limits is None else np.rint(out).clip(limits.min, limits.max).astype(images.dtype)
    return out.astype(images.dtype, copy=False).reshape(*images.shape[:-2], *size)


def with_channels(images: np.ndarray) -> np.ndarray:
    """Images as (n, c, h, w)."""
    if images.ndim not in (3, 4) or images.dtype.kind not in "fiub" or 0 in images.shape[-2:]:
        raise ShapeError(f"images must be numbers of shape (n, h, w) or (n, c, h, w), got {images.dtype} of shape {images.shape}",
                         operation="sample_affine", operands={"images": images.shape}, rule="(n, h, w) or (n, c, h, w)",
                         suggestion="one picture is picture[None]; rows of pixels are rows.reshape(-1, 28, 28); channels that "
                                    "come last are np.moveaxis(images, -1, 1)")
    return images if images.ndim == 4 else images[:, None]


@kernel("void(i8, f4[:, :, :, ::1], f8[:, :, ::1], f8, b1, f4[:, :, :, ::1])",
        "void(i8, f8[:, :, :, ::1], f8[:, :, ::1], f8, b1, f8[:, :, :, ::1])")
def sample_image(image, pictures, matrices, fill, nearest, out):
    """One image: each pixel of the result is looked up in the picture."""
    channels, height, width = pictures.shape[1:]
    for r in range(out.shape[2]):
        for s in range(out.shape[3]):
            y = matrices[image, 0, 0] * r + matrices[image, 0, 1] * s + matrices[image, 0, 2]
            x = matrices[image, 1, 0] * r + matrices[image, 1, 1] * s + matrices[image, 1, 2]
            if nearest:
                y, x = np.floor(y + 0.5), np.floor(x + 0.5)
            y, x = min(max(y, -1.0), height), min(max(x, -1.0), width)  # beyond the border all is fill
            top, left = int(np.floor(y)), int(np.floor(x))
            down, right = y - top, x - left
            for c in range(channels):
                value = 0.0
                for i in range(2):
                    for j in range(2):
                        weight = (down if i else 1.0 - down) * (right if j else 1.0 - right)
                        inside = 0 <= top + i < height and 0 <= left + j < width
                        value += weight * (pictures[image, c, top + i, left + j] if inside else fill)
                out[image, c, r, s] = value


def _example(rng):
    """Small pictures, maps that turn, mirror, shrink and lead outside."""
    matrices = rng.normal(size=(12, 2, 3)) * np.array([1.0, 1.0, 3.0])
    matrices[0] = [[1, 0, 0], [0, -1, 5]]  # a mirror: exactly on pixels
    matrices[1] = [[1, 0, 40], [0, 1, 0]]  # outside
    matrices[2] = [[0.5, 0, -1], [0, 0.5, -1]]  # the border's border
    matrices[3] = [[1, 0, 0.5], [0, 1, 0.5]]  # halfway between pixels
    return rng.normal(size=(12, 2, 5, 6)), matrices, (6, 7), 0.25


@oracle(sample_affine, kernels=(sample_image,), rtol=1e-9, atol=1e-9,
        example=(_example, lambda rng: (*_example(rng), "nearest")))
def sample_affine_formula(images, matrices, size, fill, interpolation="bilinear"):
    """A picture in an endless frame of `fill`; the four pixels around each point."""
    n, _, height, width = images.shape
    rows, columns = np.meshgrid(*map(np.arange, size), indexing="ij")
    where = np.einsum("nij,jrs->nirs", matrices, np.stack([rows, columns, np.ones_like(rows)]).astype(float))
    y, x = np.clip(where[:, 0], -2, height + 1), np.clip(where[:, 1], -2, width + 1)
    if interpolation == "nearest":
        y, x = np.floor(y + 0.5), np.floor(x + 0.5)
    framed = np.pad(images, ((0, 0), (0, 0), (2, 3), (2, 3)), constant_values=fill)
    top, left, one = np.floor(y).astype(int), np.floor(x).astype(int), np.arange(n)[:, None, None]
    down, right = (y - top)[:, None], (x - left)[:, None]

    def at(i, j):
        return np.moveaxis(framed[one, :, top + 2 + i, left + 2 + j], -1, 1)

    return ((1 - down) * ((1 - right) * at(0, 0) + right * at(0, 1)) + down * ((1 - right) * at(1, 0) + right * at(1, 1)))
