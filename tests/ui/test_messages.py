import dataclasses

from mnist_cnn.calibration import Calibration
from mnist_cnn.classifier import Classifier
from mnist_cnn.data.corrections import LabelledDrawings
from mnist_cnn.jobs.queue import JobQueue
from mnist_cnn.jobs.run import RunState, TrainingRun
from mnist_cnn.training import get_settings
from mnist_cnn.ui.messages import extra_data_effect, fine_tuning_effect, status_text, summary_text


def test_summary_compares_test_accuracy_with_target_and_pretrained_model(finished_run, report):
    pretrained = Classifier(finished_run.model, "net-8k", test_accuracy=0.987)
    text = summary_text(dataclasses.replace(report, test_accuracy=0.9412), pretrained)
    assert text.startswith("Done after ")
    assert "Test accuracy 94.12% (below the target of 95%) with 8,530 parameters." in text
    assert text.endswith(" Pretrained net-8k: 98.70%.")
    assert "Test accuracy 97.00% (target 95%)" in summary_text(
        dataclasses.replace(report, test_accuracy=0.97), pretrained
    )


def test_summary_of_stopped_run_says_where_it_stopped(finished_run, report):
    half = dataclasses.replace(report.progress, step=report.progress.total_steps // 2)
    text = summary_text(dataclasses.replace(report, progress=half), Classifier(finished_run.model, "net-8k", 0.987))
    assert text.startswith("Stopped at 50% after ")


def test_extra_data_effect_compares_with_the_run_without_drawings(finished_run, report, small_sets):
    drawings = LabelledDrawings().add(small_sets[1][0][0].numpy(), 3, 5)
    assert extra_data_effect(finished_run, LabelledDrawings(), report, []) == ""
    alone = extra_data_effect(finished_run, drawings, report, [(1, report)])
    assert alone.endswith("Train once without them to see their effect on the test accuracy.")
    better = dataclasses.replace(report, num_extra=0, test_accuracy=report.test_accuracy + 0.02)
    text = extra_data_effect(finished_run, drawings, report, [(4, better)])
    assert text.endswith(f"Test accuracy without them, in run 4: {better.test_accuracy:.2%} (-2.00 points).")
    assert " of 1 correct (0 before)." in extra_data_effect(finished_run, drawings, report, [])


def test_fine_tuning_effect_compares_drawings_and_test_accuracy(finished_run, small_sets):
    images, _ = small_sets[1]
    before, after = Classifier(finished_run.model, "net-8k"), Classifier(finished_run.model, "net-8k", 0.9941)
    digit = int(before.classify(images[:1])[0])
    correct = LabelledDrawings().add(images[0].numpy(), digit, None)
    text = "Your model: 1 of your 1 drawing correct (1 before), test accuracy on MNIST 99.41%."
    assert fine_tuning_effect(correct, before, after) == text
    wrong = correct.add(images[1].numpy(), (int(before.classify(images[1:2])[0]) + 1) % 10, None)
    before.test_accuracy = 0.9946
    text = "Your model: 1 of your 2 drawings correct (1 before), test accuracy on MNIST 99.41% (99.46% before)."
    assert fine_tuning_effect(wrong, before, after) == text


def test_fine_tuned_model_says_that_another_one_rejected_for_it_before(finished_run, small_sets):
    drawings = LabelledDrawings().add(small_sets[1][0][0].numpy(), 7, None)
    before = Classifier(finished_run.model, "net-8k", rejector=Classifier(finished_run.model, "net-25k"))
    text = fine_tuning_effect(drawings, before, Classifier(finished_run.model, "net-8k", 0.99))
    assert text.endswith(" It now decides for itself what is not a digit, less reliably than net-25k did before.")


def test_rejected_drawings_are_not_counted_as_correct(finished_run, report, small_sets, monkeypatch):
    image = small_sets[1][0][0].numpy()
    drawings = LabelledDrawings().add(image, finished_run.classifier().predict_image(image).digit, None)
    for threshold, correct in ((0.0, 1), (1.1, 0)):
        monkeypatch.setattr(finished_run, "calibration", Calibration(rejection_threshold=threshold))
        assert f" {correct} of 1 correct" in extra_data_effect(finished_run, drawings, report, [])
    before, after = Classifier(finished_run.model, "net-8k"), finished_run.classifier()
    after.test_accuracy = 0.99
    assert "Your model: 0 of your 1 drawing correct (1 before)" in fine_tuning_effect(drawings, before, after)


def test_status_of_queued_run_counts_the_runs_ahead(small_sets):
    queue = JobQueue()
    first, second, third = (TrainingRun(get_settings("net-8k"), *small_sets, queue) for _ in range(3))
    assert status_text(first) == "Training net-8k with the recipe “default” …"
    assert status_text(second) == "Queued: 1 run ahead. Yours starts automatically."
    assert status_text(third) == "Queued: 2 runs ahead. Yours starts automatically."
    third.stop()
    third.state = RunState.FINISHED
    assert status_text(third) == "Run cancelled; nothing was trained."


def test_status_of_finished_run_does_not_go_back_to_training(finished_run):
    assert status_text(finished_run) == "Training finished. Evaluating on the test set and calibrating …"


def test_status_of_failed_run_says_why(small_sets):
    run = TrainingRun(get_settings("net-8k"), *small_sets, JobQueue())
    run.state, run.error = RunState.FAILED, "Take smaller batches."
    assert status_text(run) == "Training failed. Take smaller batches."
