"""Augmentation: every change against NumPy's or SciPy's own, chains against their parts, and what users get wrong."""

import numpy as np
import pytest
from scipy import ndimage

from homespun.base.errors import DataError, ParameterError, ShapeError
from homespun.vision import (
    CenterCrop,
    Compose,
    RandomAffine,
    RandomCrop,
    RandomHorizontalFlip,
    RandomResizedCrop,
    RandomRotation,
    RandomVerticalFlip,
    Resize,
    augment,
    sample_affine,
)


@pytest.fixture
def images():
    return np.random.default_rng(0).normal(size=(6, 3, 9, 7))


class TestAgainstNumPy:
    def test_flips(self, images):
        assert (RandomHorizontalFlip(1.0)(images) == images[..., ::-1]).all()
        assert (RandomVerticalFlip(1.0)(images) == images[:, :, ::-1]).all()
        assert (RandomHorizontalFlip(0.0)(images) == images).all()

    def test_half_of_many_are_flipped(self):
        flipped = RandomHorizontalFlip()(np.tile([0.0, 1.0], (2000, 1, 1)), random_state=0)[:, 0, 0]
        assert set(flipped) == {0.0, 1.0} and 900 < flipped.sum() < 1100

    @pytest.mark.parametrize("turns", [1, 2, 3])
    def test_right_angles(self, turns):
        square = np.random.default_rng(1).normal(size=(2, 8, 8))
        turned = RandomRotation((90 * turns, 90 * turns))(square)
        np.testing.assert_allclose(turned, np.rot90(square, turns, axes=(1, 2)), atol=1e-12)

    def test_crops(self, images):
        assert (CenterCrop((5, 3))(images) == images[:, :, 2:7, 2:5]).all()
        parts = RandomCrop((4, 5))(images, random_state=0)
        for part, image in zip(parts, images, strict=True):
            assert any((part == image[:, r:r + 4, s:s + 5]).all() for r in range(6) for s in range(3))
        framed = np.pad(images, ((0, 0), (0, 0), (2, 2), (2, 2)))
        moved = RandomCrop((9, 7), padding=2)(images, random_state=0)
        assert all(any((part == image[:, r:r + 9, s:s + 7]).all() for r in range(5) for s in range(5))
                   for part, image in zip(moved, framed, strict=True))

    def test_every_place_of_a_crop_is_drawn(self):
        ramp = np.tile(np.arange(5.0), (500, 1, 1))
        assert set(RandomCrop((1, 3))(ramp, random_state=0)[:, 0, 0]) == {0.0, 1.0, 2.0}

    def test_larger_by_whole_numbers_and_back(self, images):
        np.testing.assert_allclose(Compose([Resize((27, 21))], interpolation="nearest")(images),
                                   images.repeat(3, axis=2).repeat(3, axis=3))
        assert (Resize((9, 7))(images) == images).all()


class TestAgainstSciPy:
    @pytest.mark.parametrize("order, interpolation", [(1, "bilinear"), (0, "nearest")])
    def test_affine_maps(self, images, order, interpolation):
        rng = np.random.default_rng(2)
        matrices = np.concatenate([rng.normal(size=(6, 2, 2)), rng.normal(size=(6, 2, 1)) * 4], axis=2)
        found = sample_affine(images, matrices, (8, 10), fill=0.5, interpolation=interpolation)
        for image, matrix, one in zip(images, matrices, found, strict=True):
            for channel, got in zip(image, one, strict=True):
                wanted = ndimage.affine_transform(channel, matrix[:, :2], matrix[:, 2], (8, 10), order=order,
                                                  mode="grid-constant", cval=0.5)
                np.testing.assert_allclose(got, wanted, atol=1e-9)

    def test_rotation(self, images):
        turned = RandomRotation((30, 30))(images)
        wanted = ndimage.rotate(images, 30, axes=(3, 2), reshape=False, order=1, mode="grid-constant")
        np.testing.assert_allclose(turned, wanted, atol=1e-9)

    def test_scale_and_shift(self):
        blob = np.zeros((200, 41, 41))
        blob[:, 18:23, 18:23] = 1.0
        areas = RandomAffine(0, scale=(2, 2))(blob).sum(axis=(1, 2))
        np.testing.assert_allclose(areas, 100, rtol=0.02)  # twice as large is four times the area
        shifted = RandomAffine(0, translate=(0.25, 0.0))(blob, random_state=0)
        centres = np.array([ndimage.center_of_mass(one) for one in shifted]) - 20
        assert np.abs(centres[:, 0]).max() < 1e-9 and 9 < np.abs(centres[:, 1]).max() <= 0.25 * 41


class TestChains:
    def test_one_sampling_of_exact_changes(self, images):
        chain = Compose([RandomVerticalFlip(1.0), CenterCrop((5, 3)), RandomHorizontalFlip(1.0)])
        assert (chain(images) == images[:, :, ::-1][:, :, 2:7, 2:5][..., ::-1]).all()

    def test_turned_there_and_back_blurs_nothing(self, images):
        there = Compose([RandomRotation((33, 33)), RandomRotation((-33, -33))])
        np.testing.assert_allclose(there(images), images, atol=1e-9)

    def test_a_resized_crop_is_a_crop_that_is_resized(self):
        ramp = np.broadcast_to(np.arange(50.0), (300, 50, 50))
        parts = RandomResizedCrop(10, scale=(0.2, 0.5), ratio=(1, 1))(ramp, random_state=0)
        steps = np.diff(parts[:, 5, 1:-1], axis=1)
        np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-9)  # a straight line stays one
        shares = (steps[:, 0] * 10 / 50) ** 2
        assert 0.2 <= shares.min() < 0.22 and 0.48 < shares.max() <= 0.5 + 1e-9
        assert parts.min() >= 0 and parts.max() <= 49

    def test_a_part_larger_than_the_image_is_its_whole_side(self):
        wide = RandomResizedCrop((4, 8), scale=(1, 1), ratio=(4, 4))(np.ones((3, 8, 8)))
        assert wide.shape == (3, 4, 8) and wide.min() > 0.4


class TestRandomness:
    change = Compose([RandomAffine(20, (0.1, 0.1), (0.8, 1.2), 5), RandomHorizontalFlip()])

    def test_seeds(self, images):
        assert (self.change(images, random_state=3) == self.change(images, random_state=3)).all()
        assert (self.change(images, random_state=3) != self.change(images, random_state=4)).any()

    def test_a_generator_goes_on(self, images):
        rng = np.random.default_rng(0)
        assert (self.change(images, rng) != self.change(images, rng)).any()

    def test_images_are_changed_each_in_its_own_way(self):
        same = np.tile(np.random.default_rng(0).normal(size=(9, 9)), (4, 1, 1))
        changed = RandomRotation(45)(same, random_state=0)
        assert all((changed[0] != one).any() for one in changed[1:])


class TestKinds:
    def test_bytes_are_rounded_and_stay_bytes(self):
        white = np.full((1, 1, 6, 6), 255, dtype=np.uint8)
        turned = RandomRotation((45, 45))(white)
        exact = RandomRotation((45, 45))(white.astype(np.float64))
        assert turned.dtype == np.uint8 and (turned == np.rint(exact)).all()

    @pytest.mark.parametrize("kind", [np.float32, np.float64, np.int16, np.bool_])
    def test_kinds_stay(self, kind):
        images = np.eye(4)[None].astype(kind)
        assert RandomHorizontalFlip(1.0)(images).dtype == kind
        assert (RandomHorizontalFlip(1.0)(images) == images[..., ::-1]).all()

    def test_fill(self):
        outside = Compose([CenterCrop((4, 4))], fill=7.0)(np.zeros((1, 2, 2)))
        assert (outside[0, 0] == 7).all() and (outside[0, 1:3, 1:3] == 0).all()

    def test_arrays_that_are_not_contiguous_or_writeable(self, images):
        odd = images[::-2, :, ::-1]
        odd.flags.writeable = False
        assert (RandomHorizontalFlip(1.0)(odd) == odd[..., ::-1]).all()


class TestAugment:
    def test_originals_first_labels_repeated(self):
        X, y = np.arange(12.0).reshape(3, 2, 2), np.array(["a", "b", "c"])
        more, labels = augment(X, y, RandomHorizontalFlip(1.0), copies=2)
        assert (more[:3] == X).all() and (more[3:6] == X[..., ::-1]).all() and (more[6:] == more[3:6]).all()
        assert list(labels) == ["a", "b", "c"] * 3

    def test_flat_rows(self):
        X = np.arange(12.0).reshape(2, 6)
        more, _ = augment(X, [0, 1], RandomVerticalFlip(1.0), shape=(3, 2))
        assert more[2].tolist() == [4, 5, 2, 3, 0, 1]

    def test_no_copies(self):
        assert augment(np.zeros((2, 3, 3)), [0, 1], RandomRotation(5), copies=0)[0].shape == (2, 3, 3)

    def test_small_turns_and_shifts_help_a_classifier_of_digits(self):
        """What augmentation is for: 100 labelled digits, the rest unseen."""
        from sklearn.datasets import load_digits

        from homespun.neighbors import KNeighborsClassifier

        X, y = load_digits(return_X_y=True)
        change = Compose([RandomAffine(12, (0.1, 0.1), (0.9, 1.1))])
        more, labels = augment(X[:100], y[:100], change, copies=20, shape=(8, 8), random_state=0)
        plain = KNeighborsClassifier(1).fit(X[:100], y[:100]).score(X[100:], y[100:])
        assert KNeighborsClassifier(1).fit(more, labels).score(X[100:], y[100:]) > plain + 0.02


class TestMistakes:
    @pytest.mark.parametrize("wrong", [np.zeros((4, 4)), np.zeros((2, 2, 2, 2, 2)), np.zeros((2, 0, 3)), np.array([[["a"]]])])
    def test_no_images(self, wrong):
        with pytest.raises(ShapeError) as said:
            RandomRotation(5)(wrong)
        assert str(wrong.shape) in str(said.value) and "picture[None]" in said.value.suggestion

    def test_a_crop_that_does_not_fit_says_the_padding(self, images):
        with pytest.raises(ShapeError, match="12 × 5 does not fit into images of 9 × 7") as said:
            RandomCrop((12, 5))(images)
        assert said.value.suggestion == "padding=2"
        assert RandomCrop((12, 5), padding=2)(images).shape == (6, 3, 12, 5)

    @pytest.mark.parametrize("make, name, value", [
        (lambda: RandomHorizontalFlip(1.5), "p", 1.5), (lambda: RandomRotation((30, -30)), "degrees", (30, -30)),
        (lambda: RandomAffine(0, scale=(0, 1)), "scale", 0), (lambda: RandomAffine(0, translate=(2, 0)), "translate", 2),
        (lambda: RandomCrop(0), "size", 0), (lambda: RandomCrop((1, 2, 3)), "size", (1, 2, 3)),
        (lambda: Resize(2.5), "size", 2.5),
        (lambda: RandomAffine(0, shear=95), "shear", -95), (lambda: Compose([], interpolation="cubic"), "interpolation", "cubic"),
        (lambda: RandomResizedCrop(5, scale=(0.5, 1.5)), "scale", 1.5), (lambda: Compose([str]), "transforms", str),
        (lambda: Compose([], fill=float("nan")), "fill", float("nan")),
        (lambda: RandomRotation(float("nan")), "degrees", float("nan")),
    ])
    def test_parameters(self, make, name, value):
        with pytest.raises(ParameterError) as said:
            make()
        assert name in str(said.value) and str(value) in str(said.value)

    def test_matrices(self, images):
        with pytest.raises(ShapeError, match="matrices"):
            sample_affine(images, np.zeros((5, 2, 3)), (3, 3))
        with pytest.raises(DataError, match="NaN"):
            sample_affine(images, np.full((6, 2, 3), np.nan), (3, 3))

    def test_augment(self):
        with pytest.raises(ShapeError, match="labels"):
            augment(np.zeros((3, 2, 2)), [0, 1], RandomRotation(5))
        with pytest.raises(ShapeError, match="do not fill images"):
            augment(np.zeros((3, 5)), [0, 1, 2], RandomRotation(5), shape=(2, 2))
        with pytest.raises(ShapeError, match="makes images of shape"):
            augment(np.zeros((3, 4, 4)), [0, 1, 2], CenterCrop(2))
