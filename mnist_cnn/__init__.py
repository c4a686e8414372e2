"""Tiny CNNs that recognise drawn digits: training on MNIST, preprocessing of drawings, and a page to try both.

Imports run in one direction: `constants` and `runtime` → `data`, `preprocessing`, `models` → `evaluation` →
`calibration`, `feature_maps`, `model_summary` → `training` → `checkpoint` → `classifier`, `export` → `jobs` → `ui`.
Only `ui` imports Gradio.
"""

from .classifier import Classifier, NumberPrediction, Prediction, load_classifier

__all__ = ["Classifier", "NumberPrediction", "Prediction", "__version__", "load_classifier"]
__version__ = "0.2.0"  # a literal, since pyproject.toml reads it without importing the package
