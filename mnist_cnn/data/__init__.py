"""What models learn from: MNIST, augmentation, outliers, and a user's labelled drawings."""

from .mnist import DataError, load_mnist

__all__ = ["DataError", "load_mnist"]
