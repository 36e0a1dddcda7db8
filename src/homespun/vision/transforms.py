"""Data augmentation: random rotations, scales, crops and flips of images, with torchvision's names.

    image ↦ image ∘ M        M: result → image, 3 × 3 affine, drawn anew for each image and each call

A chain of changes is one product of matrices, M = M₁ M₂ … (the last change is applied first when a pixel is looked up), and
the picture is sampled once (`homespun.vision.sampling`): three changes blur no more than one, and a crop that is rotated
afterwards shows what lay beside it, not an empty corner. Shorten & Khoshgoftaar 2019, A survey on image data augmentation.

Cost: one bilinear lookup for each pixel and channel. Not handled: colours, noise, erasing, elastic maps; images of unequal
size in one array; antialiasing while shrinking.
"""

from __future__ import annotations

import numbers
from typing import Any

import numpy as np

from homespun.base.errors import ParameterError, ShapeError
from homespun.base.params import Integer, OneOf, Real, check_param
from homespun.base.random import generator
from homespun.vision.sampling import sample_affine, with_channels

ROWS, COLUMNS = 0, 1


class Transform:
    """A random change of images. Subclasses draw matrices, this class samples.

    Calling one returns as many images as it was given; `random_state` may be a `Generator` that goes on from call to call.
    """

    fill = 0.0
    interpolation = "bilinear"

    def __call__(self, images, random_state=None) -> np.ndarray:
        """(n, h, w) or (n, c, h, w) → the same with new heights and widths, same dtype."""
        images = np.asarray(images)
        pictures = with_channels(images)
        matrices, size = self.draw(len(pictures), pictures.shape[2:], generator(random_state))
        return sample_affine(images, matrices[:, :2], size, self.fill, self.interpolation)

    def draw(self, n: int, size: tuple[int, int], rng: np.random.Generator):
        """(n, 3, 3) matrices from pixels of the result to pixels of images of this size, and the result's size."""
        raise TypeError("a transform defines draw()")


class Compose(Transform):
    """Changes one after the other, sampled once.

    Parameters
    ----------
    transforms : list of Transform
    fill : float, default=0.0
        What lies outside of the image.
    interpolation : {"bilinear", "nearest"}
        "nearest" invents no values: for masks of labels.

    Examples
    --------
    >>> from homespun.vision import Compose, RandomHorizontalFlip, RandomRotation
    >>> change = Compose([RandomRotation(10), RandomHorizontalFlip()])
    >>> change(np.zeros((5, 3, 32, 32), dtype=np.uint8), random_state=0).shape
    (5, 3, 32, 32)
    """

    def __init__(self, transforms, *, fill=0.0, interpolation="bilinear"):
        check_param("Compose", "fill", fill, Real())
        check_param("Compose", "interpolation", interpolation, OneOf("bilinear", "nearest"))
        for one in transforms:
            if not isinstance(one, Transform):
                raise ParameterError(f"Compose: transforms holds {one!r}, which is no transform of homespun.vision; functions of "
                                     "single images have no matrix", operation="Compose", operands={"transforms": one},
                                     rule="a list of Transform")
        self.transforms, self.fill, self.interpolation = list(transforms), fill, interpolation

    def draw(self, n, size, rng):
        total = np.broadcast_to(np.eye(3), (n, 3, 3))
        for one in self.transforms:
            matrices, size = one.draw(n, size, rng)
            total = total @ matrices
        return total, size


class RandomAffine(Transform):
    """Turned, moved, scaled and sheared about the middle.

    Parameters
    ----------
    degrees : float or (low, high)
        Of rotation, against the clock; a number d is (-d, d).
    translate : (float, float), optional
        Largest shift to the side and up or down, as shares of width and height.
    scale : (low, high), optional
        Factor; 2 shows things twice as large.
    shear : float or (low, high), optional
        Degrees by which columns lean.
    """

    def __init__(self, degrees, translate=None, scale=None, shear=None):
        self.degrees = _interval("RandomAffine", "degrees", degrees)
        self.translate = (0.0, 0.0)
        if translate is not None:
            self.translate = _pair("RandomAffine", "translate", translate, Real(low=0.0, high=1.0))
        self.scale = (1.0, 1.0) if scale is None else _interval("RandomAffine", "scale", scale, Real(low=0.0, open="low"))
        self.shear = (0.0, 0.0) if shear is None else _interval("RandomAffine", "shear", shear, Real(low=-89.0, high=89.0))

    def draw(self, n, size, rng):
        angle, shear = np.deg2rad(rng.uniform(*self.degrees, n)), np.deg2rad(rng.uniform(*self.shear, n))
        scale = np.exp(rng.uniform(*np.log(self.scale), n))  # half and double are equally likely
        side, down = self.translate
        moved = rng.uniform(-1, 1, (2, n)) * np.array([[down * size[ROWS]], [side * size[COLUMNS]]])
        cos, sin = np.cos(angle), np.sin(angle)
        turn = np.array([[cos, sin], [-sin, cos]]).transpose(2, 0, 1)  # of the result's pixels: back, so against the clock
        lean = np.array([[np.ones(n), np.zeros(n)], [np.tan(shear), np.ones(n)]]).transpose(2, 0, 1)
        return _about_the_middle(lean @ turn / scale[:, None, None], size, size, moved.T), size


class RandomRotation(RandomAffine):
    """Turned about the middle, by up to `degrees` to either side (or between two numbers); the size stays.

    >>> picture = np.array([[[1.0, 2.0], [3.0, 4.0]]])
    >>> RandomRotation((90, 90))(picture).round(6)
    array([[[2., 4.],
            [1., 3.]]])
    """

    def __init__(self, degrees):
        super().__init__(degrees)


class _Flip(Transform):
    axis: int

    def __init__(self, p=0.5):
        check_param(type(self).__name__, "p", p, Real(low=0.0, high=1.0))
        self.p = p

    def draw(self, n, size, rng):
        matrices = np.tile(np.eye(3), (n, 1, 1))
        flipped = rng.random(n) < self.p
        matrices[flipped, self.axis, self.axis] = -1.0
        matrices[flipped, self.axis, 2] = size[self.axis] - 1
        return matrices, size


class RandomHorizontalFlip(_Flip):
    """Left and right exchanged, with probability `p`."""

    axis = COLUMNS


class RandomVerticalFlip(_Flip):
    """Top and bottom exchanged, with probability `p`."""

    axis = ROWS


class RandomCrop(Transform):
    """A part of `size` from anywhere, after a frame of `padding` pixels was put around the image.

    Parameters
    ----------
    size : int or (height, width)
    padding : int, default=0
    """

    def __init__(self, size, padding=0):
        check_param("RandomCrop", "padding", padding, Integer(low=0))
        self.size, self.padding = _size("RandomCrop", size), padding

    def draw(self, n, size, rng):
        room = np.array(size) + 2 * self.padding - self.size
        if (room < 0).any():
            raise ShapeError(f"RandomCrop: {self.size[0]} × {self.size[1]} does not fit into images of {size[0]} × {size[1]} "
                             f"with padding={self.padding}", operation="RandomCrop", operands={"size": self.size, "images": size},
                             rule="size <= image + 2 padding", suggestion=f"padding={max(0, -(room.min() // 2))}")
        matrices = np.tile(np.eye(3), (n, 1, 1))
        matrices[:, :2, 2] = rng.integers(0, room + 1, (n, 2)) - self.padding
        return matrices, self.size


class RandomResizedCrop(Transform):
    """A part of random area and shape, brought to `size`: Szegedy et al. 2015, Going deeper with convolutions, sec. 6.

    Parameters
    ----------
    size : int or (height, width)
    scale : (low, high), default=(0.08, 1.0)
        Share of the image's area.
    ratio : (low, high), default=(3/4, 4/3)
        Width of the part over its height.
    """

    def __init__(self, size, scale=(0.08, 1.0), ratio=(3 / 4, 4 / 3)):
        self.size = _size("RandomResizedCrop", size)
        self.scale = _interval("RandomResizedCrop", "scale", scale, Real(low=0.0, high=1.0, open="low"))
        self.ratio = _interval("RandomResizedCrop", "ratio", ratio, Real(low=0.0, open="low"))

    def draw(self, n, size, rng):
        area = rng.uniform(*self.scale, n) * size[ROWS] * size[COLUMNS]
        ratio = np.exp(rng.uniform(*np.log(self.ratio), n))
        part = np.stack([np.sqrt(area / ratio), np.sqrt(area * ratio)], axis=1)
        part = np.minimum(part, size)  # of a long image: its whole height, as wide as is left
        start = rng.random((n, 2)) * (np.array(size) - part)
        return _stretched(start, part, self.size), self.size


class CenterCrop(Transform):
    """The middle part of `size`; what lies outside of a smaller image is fill."""

    def __init__(self, size):
        self.size = _size("CenterCrop", size)

    def draw(self, n, size, rng):
        matrices = np.tile(np.eye(3), (n, 1, 1))
        matrices[:, :2, 2] = np.rint((np.array(size) - self.size) / 2)
        return matrices, self.size


class Resize(Transform):
    """The whole image, brought to `size` = (height, width)."""

    def __init__(self, size):
        self.size = _size("Resize", size)

    def draw(self, n, size, rng):
        return _stretched(np.zeros((n, 2)), np.tile(np.array(size, dtype=float), (n, 1)), self.size), self.size


# ---------------------------------------------------------------------------------------------------------------------

def _about_the_middle(linear, size, result, moved):
    """Matrices that apply (n, 2, 2) about the middle: image = linear (pixel - middle of the result - moved) + middle."""
    middle = (np.array(size) - 1) / 2
    target = (np.array(result) - 1) / 2 + moved
    matrices = np.tile(np.eye(3), (len(linear), 1, 1))
    matrices[:, :2, :2] = linear
    matrices[:, :2, 2] = middle - np.einsum("nij,nj->ni", linear, np.broadcast_to(target, (len(linear), 2)))
    return matrices


def _stretched(start, part, size):
    """Matrices that bring the part (n, 2) of the image at `start` to `size`: edges meet edges, not middles of pixels."""
    step = part / np.array(size)
    matrices = np.tile(np.eye(3), (len(start), 1, 1))
    matrices[:, [0, 1], [0, 1]] = step
    matrices[:, :2, 2] = start + step / 2 - 0.5
    return matrices


def _interval(who: str, name: str, value: Any, constraint=None) -> tuple[float, float]:
    """(low, high) from a number or a pair."""
    constraint = constraint or Real()
    ends: tuple[Any, ...] = (-value, value) if isinstance(value, numbers.Real) else tuple(value)
    low, high = ends if len(ends) == 2 else (np.nan, np.nan)
    for one in (low, high):
        check_param(who, name, one, constraint)
    if low > high:
        raise ParameterError(f"{who}: {name}={value!r} begins above its end", operation=who, operands={name: value},
                             rule="(low, high) with low <= high", suggestion=f"{name}=({high}, {low})")
    return float(low), float(high)


def _pair(who: str, name: str, value: Any, constraint) -> tuple[float, float]:
    if len(value) != 2:
        raise ParameterError(f"{who}: {name} must be two numbers, got {value!r}", operation=who, operands={name: value},
                             rule="a pair")
    for one in value:
        check_param(who, name, one, constraint)
    return float(value[0]), float(value[1])


def _size(who: str, value: Any) -> tuple[int, int]:
    size: tuple[Any, ...] = (value, value) if isinstance(value, numbers.Real) else tuple(value)
    if len(size) != 2:
        raise ParameterError(f"{who}: size must be a number or (height, width), got {value!r}", operation=who,
                             operands={"size": value}, rule="height and width")
    for one in size:
        check_param(who, "size", one, Integer(low=1))
    return int(size[0]), int(size[1])
