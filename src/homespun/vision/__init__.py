"""Images: random changes that leave the label (rotate, scale, crop, flip), for more training data than was collected."""

from homespun.base.lazy import lazy_names

__getattr__, __dir__, __all__ = lazy_names(__name__, {
    "augment": "augmentation", "CenterCrop": "transforms", "Compose": "transforms", "RandomAffine": "transforms",
    "RandomCrop": "transforms", "RandomHorizontalFlip": "transforms", "RandomResizedCrop": "transforms",
    "RandomRotation": "transforms", "RandomVerticalFlip": "transforms", "Resize": "transforms", "sample_affine": "sampling",
})
