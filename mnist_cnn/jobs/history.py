"""The curves of a training run, in few points."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from ..training import Progress

POINTS = 80  # of each curve, at most: enough for a chart, and few to send several times a second
CURVES = ("loss", "smoothed_loss", "batch_accuracy", "smoothed_accuracy", "lr")  # of `Progress`, a number at each point


@dataclass
class History:
    """The curves of a run, oldest first: a point's `at` is the share of the run that was done, 0 to 1.

    Attributes:
        at: where the next six have their points.
        loss, smoothed_loss, batch_accuracy, accuracy, lr: as `Progress` has them.
        watched: probabilities (10,) of the watched image at the same points, as the loss sees them: no temperature is
            known yet. Empty where none is watched.
        test_accuracy: (at, share) pairs of the test accuracy, which is measured less often.
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
        """Take note of a step. Returns whether it became a point of the curves, one that `watched` lacks as yet."""
        fraction = progress.step / progress.total_steps
        if progress.test_accuracy is not None:
            self.test_accuracy.append((fraction, progress.test_accuracy))
        if self.progress and fraction - self.progress[-1] < 1 / POINTS and not progress.is_last:
            return False
        self.progress.append(fraction)
        for name in CURVES:
            getattr(self, name).append(getattr(progress, name))
        return True
