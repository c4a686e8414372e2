"""Texts about a training run: its status, its result, and what the user's labelled drawings changed."""

from collections.abc import Sequence

from ..classifier import Classifier
from ..data.corrections import LabelledDrawings
from ..jobs.report import Report
from ..jobs.run import MAX_PAUSE_SECONDS, RunState, TrainingRun

CANCELLED = "Run cancelled; nothing was trained."
TARGET_ACCURACY = 0.95  # on MNIST's test set, which a model of this size has to reach in one epoch


def status_text(run: TrainingRun) -> str:
    """The status of a run that is queued or in progress, or failed, or left the queue."""
    if run.state is RunState.FAILED:
        return f"Training failed. {run.error}"
    if run.finished and not run.progress:
        return CANCELLED
    if run.position:
        return f"Queued: {run.position} {'run' if run.position == 1 else 'runs'} ahead. Yours starts automatically."
    if run.state is RunState.PAUSED and run.progress:
        return (
            f"Paused at {run.progress.step / run.progress.total_steps:.0%}. Other runs can train in the meantime. "
            f"After {MAX_PAUSE_SECONDS / 60:.0f} minutes the run is stopped."
        )
    if run.state in (RunState.EVALUATING, RunState.FINISHED):  # the result of a finished run is not shown yet
        return "Training finished. Evaluating on the test set and calibrating …"
    return f"Training {run.settings.model} with the recipe “{run.settings.recipe}” …"


def summary_text(report: Report, pretrained: Classifier) -> str:
    """The result of a finished run, next to the pretrained model of the same name."""
    progress = report.progress
    end = "Done" if progress.is_last else f"Stopped at {progress.step / progress.total_steps:.0%}"
    seconds = f"{progress.seconds:.{0 if progress.seconds >= 10 else 1}f}"
    target = "target" if report.test_accuracy >= TARGET_ACCURACY else "below the target of"
    return (
        f"{end} after {seconds} s. Test accuracy {report.test_accuracy:.2%} ({target} "
        f"{TARGET_ACCURACY:.0%}) with {report.num_parameters:,} parameters. "
        f"Pretrained {pretrained.name}: {pretrained.test_accuracy:.2%}."
    )


def extra_data_effect(
    run: TrainingRun, drawings: LabelledDrawings, report: Report, previous: Sequence[tuple[int, Report]]
) -> str:
    """What training on labelled drawings changed, for these drawings and for MNIST's test set; empty without any.

    Args:
        run: the run that they were added to.
        drawings: the labelled drawings.
        report: of the run.
        previous: numbered reports of the session, in which one with the same settings but no drawings is looked for.
    """
    if not drawings.count:
        return ""
    correct = _num_correct(run.classifier(), drawings)
    effect = f" Your drawings: {correct} of {drawings.count} correct ({drawings.correct} before)."
    without = [
        (number, other) for number, other in previous if other.settings == report.settings and not other.num_extra
    ]
    if not without:
        return f"{effect} Train once without them to see their effect on the test accuracy."
    number, other = without[-1]
    change = 100 * (report.test_accuracy - other.test_accuracy)
    return f"{effect} Test accuracy without them, in run {number}: {other.test_accuracy:.2%} ({change:+.2f} points)."


def fine_tuning_effect(drawings: LabelledDrawings, before: Classifier, after: Classifier) -> str:
    """What fine-tuning changed, for the drawings it trained on and for MNIST's test set.

    Args:
        drawings: the labelled drawings.
        before: the classifier that it started from.
        after: the result.
    """
    correct_before, correct = (_num_correct(classifier, drawings) for classifier in (before, after))
    earlier = "" if before.test_accuracy is None else f" ({before.test_accuracy:.2%} before)"
    rejection = ""
    if before.rejector is not before:
        other = before.rejector.name
        rejection = f" It now decides for itself what is not a digit, less reliably than {other} did before."
    return (
        f"Your model: {correct} of your {drawings.count} {'drawing' if drawings.count == 1 else 'drawings'} correct "
        f"({correct_before} before), test accuracy on MNIST {after.test_accuracy:.2%}{earlier}.{rejection}"
    )


def _num_correct(classifier: Classifier, drawings: LabelledDrawings) -> int:
    """How many drawings are shown with their label. A rejected one is not."""
    return int((classifier.classify(drawings.images) == drawings.labels.numpy()).sum())
