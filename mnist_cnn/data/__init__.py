"""What models learn from: MNIST, its augmentation, drawings that are no digit, and a user's labelled drawings."""

from .mnist import DataError, load_mnist

__all__ = ["DataError", "load_mnist"]
