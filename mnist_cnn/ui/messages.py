"""How a training run stands and what it came to, in words."""

from collections.abc import Sequence

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..evaluation import accuracy
from ..jobs.report import Report
from ..jobs.run import RunState, TrainingRun

_LINE = 0.95  # of the test digits: what a network of this size has to read after one epoch


def headline(run: TrainingRun) -> str:
    """How a run stands that has not ended well yet."""
    if run.state is RunState.FAILED:
        return f"The training failed. {run.error}"
    if run.finished and not run.progress:
        return "You left the line; nothing was trained."
    if run.position:
        others = "one other training" if run.position == 1 else f"{run.position} other trainings"
        return f"Waiting for {others}: your turn comes by itself, or leave the line."
    if run.state is RunState.PAUSED and run.progress:
        return f"Paused at {run.progress.step / run.progress.total_steps:.0%}. Others may train meanwhile."
    if run.state is RunState.EVALUATING:
        return "Trained. Measuring it on all test digits, and how sure it may be …"
    return f"Training {run.settings.model}, recipe “{run.settings.recipe}” …"


def result(report: Report, pretrained: Classifier) -> str:
    """What a run that has ended came to, beside the shipped network of its name."""
    progress, share = report.progress, report.test_accuracy
    end = "Done" if progress.is_last else f"Stopped at {progress.step / progress.total_steps:.0%}"
    side = "above" if share >= _LINE else "below"
    return (
        f"{end} after {progress.seconds:.0f} s: this network of {report.parameters:,} parameters reads {share:.2%} "
        f"of MNIST's test digits, {side} the {_LINE:.0%} line; the shipped {pretrained.name} reads "
        f"{pretrained.test_accuracy:.2%}."
    )


def cost(run: TrainingRun, drawings: LabelledDrawings, report: Report, earlier: Sequence[tuple[int, Report]]) -> str:
    """What added drawings changed, for them and for MNIST's test digits; nothing where none were added.

    Args:
        run: the run that they joined.
        drawings: these drawings.
        report: of the run.
        earlier: the numbered reports of the visit, among which one without drawings is looked for.
    """
    if not drawings.count:
        return ""
    right = round(accuracy(run.model, drawings.images, drawings.labels) * drawings.count)
    gained = f" It reads {right} of your {drawings.count} drawings; {drawings.correct} before."
    without = [(number, other) for number, other in earlier if other.settings == report.settings and not other.added]
    if not without:
        return f"{gained} Train once without them to see what they cost on MNIST."
    number, other = without[-1]
    lost = 100 * (other.test_accuracy - report.test_accuracy)
    return (
        f"{gained} Run {number}, without them, reads {other.test_accuracy:.2%} of MNIST: a cost of {lost:.2f} points."
    )
