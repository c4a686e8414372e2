"""How a training run stands and what it came to, in words."""

from collections.abc import Sequence

from ..answers import Answers
from ..classifier import Classifier
from ..evaluation import accuracy
from ..live import LiveRun, State
from ..report import Report

_LINE = 0.95  # of the test digits: what a network of this size has to read after one epoch


def headline(run: LiveRun) -> str:
    """How a run stands that has not ended well yet."""
    if run.state is State.FAILED:
        return f"The training failed. {run.failure}"
    if run.over and not run.progress:
        return "You left the line; nothing was trained."
    if run.ahead:
        others = "one other training" if run.ahead == 1 else f"{run.ahead} other trainings"
        return f"Waiting for {others}: your turn comes by itself, or leave the line."
    if run.state is State.PAUSED and run.progress:
        return f"Paused at {run.progress.step / run.progress.steps:.0%}. Others may train meanwhile."
    if run.state is State.FINISHING:
        return "Trained. Measuring it on all test digits, and how sure it may be …"
    return f"Training {run.settings.model}, recipe “{run.settings.recipe}” …"


def result(report: Report, shipped: Classifier) -> str:
    """What a run that has ended came to, beside the shipped network of its name."""
    progress, share = report.progress, report.test_accuracy
    end = "Done" if progress.done else f"Stopped at {progress.step / progress.steps:.0%}"
    side = "above" if share >= _LINE else "below"
    return (
        f"{end} after {progress.seconds:.0f} s: this network of {report.parameters:,} parameters reads {share:.2%} "
        f"of MNIST's test digits, {side} the {_LINE:.0%} line; the shipped {shipped.name} reads "
        f"{shipped.test_accuracy:.2%}."
    )


def cost(run: LiveRun, drawings: Answers, report: Report, earlier: Sequence[tuple[int, Report]]) -> str:
    """What added drawings changed, for them and for MNIST's test digits; nothing where none were added.

    Args:
        run: the run that they joined.
        drawings: these drawings.
        report: of the run.
        earlier: the numbered reports of the visit, among which one without drawings is looked for.
    """
    if not drawings.drawn:
        return ""
    right = round(accuracy(run.model, drawings.images, drawings.labels) * drawings.drawn)
    gained = f" It reads {right} of your {drawings.drawn} drawings; {drawings.read_right} before."
    without = [(number, other) for number, other in earlier if other.settings == report.settings and not other.added]
    if not without:
        return f"{gained} Train once without them to see what they cost on MNIST."
    number, other = without[-1]
    lost = 100 * (other.test_accuracy - report.test_accuracy)
    return (
        f"{gained} Run {number}, without them, reads {other.test_accuracy:.2%} of MNIST: a cost of {lost:.2f} points."
    )
