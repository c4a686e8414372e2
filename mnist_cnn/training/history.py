"""The curves of a training run, with a bounded number of points."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from .progress import Progress

MAX_POINTS = 80  # of each curve: enough for a chart, and few enough to send several times a second
EVALUATE_AT = tuple(k / 8 for k in range(1, 8))  # fractions of a run at which its test accuracy is evaluated
CURVES = ("loss", "smoothed_loss", "batch_accuracy", "smoothed_accuracy", "lr")  # fields of `Progress`


@dataclass
class History:
    """The curves of a run, oldest point first.

    Attributes:
        progress: fraction of the run's steps that were done at each point, 0 to 1.
        loss, smoothed_loss, batch_accuracy, smoothed_accuracy, lr: at the same points, see `Progress`.
        probe_probabilities: calibrated probabilities (10,) of the image that was the probe image at each of these
            points; empty if there is none.
        test_accuracy: pairs of progress and test accuracy, both 0 to 1; evaluated less often.
    """

    progress: list[float] = field(default_factory=list)
    loss: list[float] = field(default_factory=list)
    smoothed_loss: list[float] = field(default_factory=list)
    batch_accuracy: list[float] = field(default_factory=list)
    smoothed_accuracy: list[float] = field(default_factory=list)
    lr: list[float] = field(default_factory=list)
    probe_probabilities: list[Sequence[float]] = field(default_factory=list)
    test_accuracy: list[tuple[float, float]] = field(default_factory=list)

    def record(self, progress: Progress) -> bool:
        """Record a step. Returns whether it became a point of the curves; it has no `probe_probabilities` yet."""
        fraction = progress.step / progress.total_steps
        if progress.test_accuracy is not None:
            self.test_accuracy.append((fraction, progress.test_accuracy))
        if self.progress and fraction - self.progress[-1] < 1 / MAX_POINTS and not progress.is_last:
            return False
        self.progress.append(fraction)
        for name in CURVES:
            getattr(self, name).append(getattr(progress, name))
        return True
