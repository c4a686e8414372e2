import pytest
import torch

from mnist_cnn.calibration import top2_probability
from mnist_cnn.data.outliers import make_outliers
from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.training import RECIPES, get_settings, train
from mnist_cnn.training.history import EVALUATE_AT
from mnist_cnn.training.settings import PRECISIONS
from mnist_cnn.training.whole_images import adapt_to_whole_images


def run(small_sets, name="net-25k", recipe="default", num_images=100, **changes):
    """Train on a part of the small training set; returns the model and the progress after every step."""
    settings = get_settings(name, recipe, **{"batch_size": 20} | changes)
    (images, labels), test = small_sets
    model = build_model(name, settings.seed)
    return model, list(train(model, images[:num_images], labels[:num_images], settings, test))


def same(first, second):
    """Whether two models have the same weights, bit for bit."""
    weights = second.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in first.state_dict().items())


@pytest.mark.parametrize("recipe", sorted(set(RECIPES) - {"fine-tuning"}))  # which needs a trained model
@pytest.mark.parametrize("name", MODELS)
def test_every_recipe_learns(small_sets, name, recipe):
    model, steps = run(small_sets, name, recipe, 400, epochs=5, stroke_augmentation=0.0, outlier_fraction=0.0)
    assert steps[-1].test_accuracy > 0.8  # 1.0 with any seed seen
    assert steps[-1].test_accuracy == accuracy(model, *small_sets[1])


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(("name", "num_threads"), [("net-25k", 1), ("net-25k", 2), ("net-8k", 1)])
def test_same_settings_give_the_same_weights(small_sets, name, num_threads, precision):
    changes = {"num_threads": num_threads, "precision": precision}
    first, _ = run(small_sets, name, **changes)
    torch.rand(7)  # whatever the global random state was before
    second, _ = run(small_sets, name, **changes)
    other, _ = run(small_sets, name, seed=1, **changes)
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("name", MODELS)
def test_layers_have_the_precision_and_weights_float32(small_sets, name, precision):
    dtypes = set()

    def record(layer, inputs, output):
        if layer.training:
            dtypes.add(output.dtype)

    model = build_model(name, 0)
    for layer in model.modules():
        if isinstance(layer, torch.nn.Conv2d):
            layer.register_forward_hook(record)
    (images, labels), test = small_sets
    settings = get_settings(name, batch_size=20, precision=precision)
    *_, progress = train(model, images[:40], labels[:40], settings, test)
    assert dtypes == {getattr(torch, precision)}
    assert {weight.dtype for weight in model.parameters()} == {torch.float32}
    assert progress.test_accuracy == accuracy(model, *test)


@pytest.mark.parametrize("num_threads", [1, 2])
def test_number_of_threads_is_set_and_restored(small_sets, num_threads):
    before, inside = torch.get_num_threads(), []
    settings = get_settings("net-8k", batch_size=20, num_threads=num_threads)
    model = build_model("net-8k", 0)
    model.register_forward_hook(lambda *_: inside.append(torch.get_num_threads()))
    images, labels = small_sets[0]
    for _ in train(model, images[:60], labels[:60], settings):
        pass
    assert inside == [num_threads] * 3
    assert torch.get_num_threads() == before


def test_first_steps_train_on_crops(small_sets):
    shapes = []
    model = build_model("net-25k", 0)
    model.register_forward_pre_hook(lambda _, inputs: shapes.append(tuple(inputs[0].shape[2:])))
    images, labels = small_sets[0]
    list(train(model, images[:120], labels[:120], get_settings("net-25k", batch_size=20, crop_fraction=0.5)))
    assert shapes == [(24, 20)] * 3 + [(28, 28)] * 3


@pytest.mark.parametrize("crop_fraction", [0.0, 0.85])
def test_evaluations_are_where_they_are_asked_for_and_end_on_the_whole_test_set(small_sets, crop_fraction):
    (images, labels), test = small_sets
    images, labels = images[:100], labels[:100]
    settings = get_settings("net-25k", epochs=2, batch_size=20, crop_fraction=crop_fraction)
    model = build_model("net-25k", 0)
    evaluated = []
    for progress in train(model, images, labels, settings, test, evaluate_at=[0.2, 0.5, 1]):
        if progress.test_accuracy is not None:
            last = progress.is_last
            every = 1 if last else 10
            expected = model if last or not crop_fraction else adapt_to_whole_images(model, images, labels)
            assert progress.test_accuracy == accuracy(expected, test[0][::every], test[1][::every])
            assert progress.temperature > 0
            evaluated.append(progress.step)
    assert evaluated == [2, 5, 10]


def test_run_of_few_steps_is_not_evaluated_at_its_end_unless_asked(small_sets):
    (images, labels), test = small_sets
    settings = get_settings("net-8k", batch_size=20)
    steps = train(build_model("net-8k", 0), images[:60], labels[:60], settings, test, EVALUATE_AT)
    assert [progress.step for progress in steps if progress.test_accuracy is not None] == [1, 2]


def test_divergence_is_an_error(small_sets):
    images, labels = small_sets[0]
    model = build_model("net-8k", 0)
    torch.nn.init.constant_(model.conv5.weight, torch.inf)
    with pytest.raises(ValueError, match="Training diverged"):
        list(train(model, images, labels, get_settings("net-8k")))


def test_evaluations_change_nothing_in_the_training(small_sets):
    (images, labels), test = small_sets
    models = [build_model("net-8k", 0) for _ in range(2)]
    for model, evaluate_at in zip(models, ([1.0], [0.2, 0.4, 0.6, 0.8]), strict=True):
        list(train(model, images, labels, get_settings("net-8k"), test, evaluate_at))
    assert same(*models)


def test_closing_the_stream_ends_the_training(small_sets):
    model = build_model("net-25k", 0)
    stream = train(model, *small_sets[0], get_settings("net-25k"))
    next(stream)
    stream.close()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert list(stream) == []
    assert all(torch.equal(value, before[key]) for key, value in model.state_dict().items())


def test_dropout_is_the_settings(small_sets):
    model, _ = run(small_sets, "net-8k", dropout=0.1)
    assert {module.p for module in model.modules() if isinstance(module, torch.nn.Dropout)} == {0.1}
    assert not same(model, run(small_sets, "net-8k")[0])


def test_one_cycle_is_pytorchs_with_its_defaults(small_sets):
    settings = get_settings("net-8k", "reference", batch_size=20, epochs=3)
    _, steps = run(small_sets, "net-8k", "reference", epochs=3)
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=settings.lr, momentum=settings.momentum)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=settings.lr, total_steps=len(steps))
    expected = []
    for _ in steps:
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule.step()
    assert [progress.lr for progress in steps] == expected


def test_linear_schedule_rises_over_the_warmup_and_falls_to_zero(small_sets):
    _, steps = run(small_sets, "net-8k", epochs=4, warmup_fraction=0.25)
    peak = get_settings("net-8k").lr
    rates = [progress.lr / peak for progress in steps]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0] + [(20 - step) / 15 for step in range(5, 20)])


def test_outliers_join_training_and_count_neither_as_correct_nor_as_wrong(small_sets):
    alone = {"stroke_augmentation": 0.0, "handwriting_fraction": 0.0, "outlier_fraction": 0.5}
    _, steps = run(small_sets, "net-25k", "pretrained", 100, epochs=1, **alone)
    assert steps[-1].samples_seen == 150
    # If outliers counted, the accuracy could not exceed two thirds.
    _, steps = run(small_sets, "net-25k", "pretrained", 200, epochs=12, **alone)
    assert steps[-1].epoch_accuracy > 0.8


def test_training_with_outliers_teaches_to_doubt_them(small_sets):
    images, labels = small_sets[0]
    unseen = make_outliers(images, labels, 300, torch.Generator().manual_seed(99))
    margins = {}
    for fraction in (0.0, 0.5):
        changes = {"stroke_augmentation": 0.0, "handwriting_fraction": 0.0, "outlier_fraction": fraction}
        model, _ = run(small_sets, "net-25k", "pretrained", 400, epochs=8, **changes)
        digits, outliers = (
            top2_probability((2 * predict_logits(model, batch)).softmax(1)).mean().item() for batch in (images, unseen)
        )
        margins[fraction] = digits - outliers
    assert margins[0.5] > margins[0.0] + 0.1
