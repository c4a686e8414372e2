import dataclasses

import pytest
import torch

from mnist_cnn.calibration import top2_probability
from mnist_cnn.data.affine import AffineRanges
from mnist_cnn.data.outliers import make_outliers
from mnist_cnn.evaluation import accuracy, predict_logits
from mnist_cnn.models import MODELS, build_model
from mnist_cnn.preprocessing import denormalize, normalize
from mnist_cnn.runtime import select_device
from mnist_cnn.training import RECIPES, Progress, TrainingSettings, get_settings, train
from tests.support.handwriting import handwriting


def bars(count: int = 200) -> tuple[torch.Tensor, torch.Tensor]:
    """Ten easy classes: a bright bar at one of ten heights on noise; uint8 (N, 28, 28), int64 (N,)."""
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(count) % 10
    images = torch.randint(0, 60, (count, 28, 28), generator=generator, dtype=torch.uint8)
    for image, label in zip(images, labels, strict=True):
        row = 3 + 2 * int(label)
        image[row : row + 2 + int(label), 4:24] = 250
    return images, labels


def run(
    name: str = "net-25k", between=lambda: None, threads: int = 1, **changes
) -> tuple[dict[str, torch.Tensor], list[Progress]]:
    """Train on `bars` and return the weights and all progress; `between` is called after every step."""
    settings = get_settings(name, **changes)
    model = build_model(name, settings.seed)
    reports = []
    for progress in train(model, *bars(), settings, threads=threads):
        reports.append(progress)
        between()
    return model.state_dict(), reports


def same(first: dict[str, torch.Tensor], second: dict[str, torch.Tensor]) -> bool:
    return all(torch.equal(first[key], second[key]) for key in first)


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("name", MODELS)
def test_training_learns(name, recipe):
    plain = {"affine": AffineRanges(), "stroke_augmentation": 0.0, "outlier_fraction": 0.0}
    settings = get_settings(name, recipe, epochs=10, batch_size=20, **plain)
    model, data = build_model(name, 0), bars()
    *_, last = train(model, *data, settings, test=data)
    assert last.test_accuracy > 0.9
    assert last.test_accuracy == accuracy(model, *data)


@pytest.mark.parametrize(("name", "threads"), [("net-25k", 1), ("net-25k", 2), ("net-8k", 1)])
def test_the_same_seed_gives_the_same_weights_whatever_happens_between_the_steps(name, threads):
    def disturb() -> None:
        torch.manual_seed(1)
        torch.rand(7)

    first, _ = run(name, threads=threads)
    second, _ = run(name, between=disturb, threads=threads)
    other, _ = run(name, seed=1, threads=threads)
    assert same(first, second)
    assert not same(first, other)


@pytest.mark.parametrize("threads", [1, 2])
def test_takes_as_many_threads_as_it_is_told_and_gives_them_back(threads):
    before, inside = torch.get_num_threads(), []
    model = build_model("net-8k", 0)
    model.register_forward_hook(lambda *_: inside.append(torch.get_num_threads()))
    for _ in train(model, *bars(), get_settings("net-8k"), threads=threads):
        assert torch.get_num_threads() == before
    assert set(inside) == {threads}


def test_training_leaves_the_global_random_state():
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    run()
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize("stratified", [False, True])
def test_every_image_is_shown_once_an_epoch(monkeypatch, stratified):
    images, labels = bars(130)
    images[:, 0, 0] = torch.arange(130)  # a pixel that tells which image it is
    shown = []
    monkeypatch.setattr(training, "normalize", lambda batch, _: shown.append(batch) or batch[:, None].float() / 255)
    settings = get_settings("net-25k", epochs=2, batch_size=32, stratified=stratified)
    reports = list(train(build_model("net-25k", 0), images, labels, settings))
    orders = torch.cat(shown)[:, 0, 0].view(2, 130)
    for order in orders:
        assert order.sort().values.tolist() == list(range(130))
    assert not torch.equal(orders[0], orders[1])
    assert [report.samples_seen for report in reports] == [32, 64, 96, 128, 130, 162, 194, 226, 258, 260]


def test_stratified_batches_hold_each_digit_as_often_as_the_whole(monkeypatch):
    images = torch.zeros(600, 28, 28, dtype=torch.uint8)
    labels = torch.tensor([0] * 300 + [1] * 200 + [2] * 100)
    images[:, 0, 0] = labels
    shown = []
    monkeypatch.setattr(training, "normalize", lambda batch, _: shown.append(batch) or batch[:, None].float() / 255)
    for _ in train(build_model("net-25k", 0), images, labels, get_settings("net-25k", stratified=True)):
        pass
    for batch in torch.cat(shown)[:, 0, 0].long().split(60):
        counts = batch.bincount(minlength=3)
        assert (counts - torch.tensor([30, 20, 10])).abs().max() <= 2


def test_the_first_steps_may_see_a_window(monkeypatch):
    seen = []
    model = build_model("net-25k", 0)
    model.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0]))
    images, labels = bars(120)
    images[:, :, :] = torch.arange(28)  # a pixel tells its column, up to the normalisation
    settings = get_settings("net-25k", batch_size=20, crop_fraction=0.5)
    assert [progress.step for progress in train(model, images, labels, settings)] == list(range(1, 7))
    assert [tuple(x.shape[2:]) for x in seen] == [(24, 20)] * 3 + [(28, 28)] * 3
    columns = [(x[0, 0, 0] * 0.3081 + 0.1307) * 255 for x in seen]
    for window in columns[:3]:
        left = round(window[0].item())
        assert left in (3, 4, 5)
        torch.testing.assert_close(window, torch.arange(left, left + 20.0), atol=0.01, rtol=0)


@pytest.mark.parametrize("name", MODELS)
def test_the_windows_hold_nearly_all_ink(name):
    images = torch.from_numpy(handwriting(300, seed=0)[0])
    ink = denormalize(normalize(images, MODELS[name].TARGET_STD)).float()  # (N, 28, 28)
    height, width = MODELS[name].CROP_SIZE
    top, left = (28 - height) // 2, (28 - width) // 2
    assert ink[:, top : top + height, left : left + width].sum() > 0.98 * ink.sum()


def test_progress_counts_and_measures():
    data = bars(100)
    settings = get_settings("net-25k", epochs=2, batch_size=20)
    reports = list(train(build_model("net-25k", 0), *data, settings, test=data, num_evals=5))
    assert [report.step for report in reports] == list(range(1, 11))
    assert [report.epoch for report in reports] == [1] * 5 + [2] * 5
    assert [report.step for report in reports if report.test_accuracy is not None] == [2, 4, 6, 8, 10]
    assert [report.is_last for report in reports] == [False] * 9 + [True]
    seconds = [report.seconds for report in reports]
    assert seconds == sorted(seconds)
    assert reports[-1].eta_seconds == 0
    assert all(0 <= report.smoothed_accuracy <= 1 and 0 <= report.epoch_accuracy <= 1 for report in reports)
    assert max(report.lr for report in reports) <= settings.lr


def test_closing_the_stream_ends_the_training():
    model = build_model("net-25k", 0)
    stream = train(model, *bars(), get_settings("net-25k"))
    next(stream)
    stream.close()
    before = {key: value.clone() for key, value in model.state_dict().items()}
    assert list(stream) == []
    assert same(before, model.state_dict())


def test_one_cycle_is_pytorchs():
    settings = get_settings("net-8k", "reference", batch_size=20, epochs=3)
    images, labels = bars()
    rates = [report.lr for report in train(build_model("net-8k", 0), images, labels, settings)]
    optimizer = torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=settings.lr, total_steps=len(rates))
    expected = []
    for _ in rates:
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        if len(expected) < len(rates):
            schedule.step()
    assert rates == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be at least 1, not 0"),
        ({"batch_size": 1}, "batch_size must be from 2 to 1024, not 1"),
        ({"lr": 0.0}, "lr must be above 0 and at most 10, not 0.0"),
        ({"lr": float("nan")}, "lr must be above 0 and at most 10, not nan"),
        ({"seed": -1}, "seed must be a whole number from 0"),
        ({"epochs": 0, "lr": -1.0}, "epochs must be at least 1, not 0; lr must be"),
    ],
)
def test_settings_that_cannot_work_are_explained(changes, message):
    with pytest.raises(ValueError, match=message):
        get_settings("net-25k", **changes)


def test_unknown_names_are_explained():
    with pytest.raises(ValueError, match="no recipe named 'best'; the recipes are ours, reference"):
        get_settings("net-8k", "best")
    with pytest.raises(ValueError, match="no network named 'net-9'; the networks are"):
        get_settings("net-9")


def test_a_recipe_can_be_changed_in_part():
    recipe = get_settings("net-25k")
    changed = get_settings("net-25k", epochs=3, lr=None)
    assert changed == dataclasses.replace(recipe, epochs=3)
    assert isinstance(changed, TrainingSettings)


def test_training_without_fitting_data_is_refused():
    images, labels = bars(20)
    for bad in [(images[:0], labels[:0]), (images, labels[:19])]:
        with pytest.raises(ValueError, match="Training needs images and as many labels"):
            next(train(build_model("net-25k"), *bad, get_settings("net-25k")))


def test_auto_picks_a_gpu_where_there_is_one(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert [select_device(name).type for name in ("auto", "cpu", "cuda")] == ["cuda", "cpu", "cuda"]
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    assert [select_device(name).type for name in ("auto", "cpu")] == ["cpu", "cpu"]
    with pytest.raises(ValueError, match="no GPU"):
        select_device("cuda")
    with pytest.raises(ValueError, match="the devices are auto, cpu, cuda"):
        select_device("tpu")


def test_scribbles_join_the_images_and_count_neither_as_right_nor_as_wrong():
    images, labels = (torch.from_numpy(array) for array in handwriting(200, seed=0))
    settings = get_settings("net-25k", "pretrained", epochs=1, batch_size=20, outlier_fraction=0.5)
    *_, last = train(build_model("net-25k", 0), images, labels.long(), settings)
    assert last.samples_seen == 300
    assert 0 <= last.smoothed_accuracy <= 1
    # Were scribbles counted, a third of all could never be right.
    settings = get_settings(
        "net-25k", "pretrained", epochs=12, batch_size=20, stroke_augmentation=0.0, outlier_fraction=0.5
    )
    *_, last = train(build_model("net-25k", 0), images, labels.long(), settings)
    assert last.epoch_accuracy > 0.9


def test_scribbles_teach_what_is_no_digit():
    images, labels = (torch.from_numpy(array) for array in handwriting(400, seed=0))
    unseen = make_outliers(images, labels.long(), 300, torch.Generator().manual_seed(99))
    doubt = {}
    for share in (0.0, 0.5):
        settings = get_settings(
            "net-25k", "pretrained", epochs=12, batch_size=20, stroke_augmentation=0.0, outlier_fraction=share
        )
        model = build_model("net-25k", 0)
        for _ in train(model, images, labels.long(), settings):
            pass
        alike = [
            top2_probability((2 * predict_logits(model, batch)).softmax(1)).mean().item() for batch in (images, unseen)
        ]
        doubt[share] = alike[0] - alike[1]
    assert doubt[0.5] > doubt[0.0] + 0.1


@pytest.mark.parametrize("share", [-0.1, 1.5])
@pytest.mark.parametrize("field", ["stroke_augmentation", "scribbles", "cropped"])
def test_shares_are_shares(field, share):
    with pytest.raises(ValueError, match=f"{field} must be from 0 to 1"):
        get_settings("net-25k", **{field: share})


def test_a_share_of_the_training_set_is_chosen_by_the_seed():
    settings = get_settings("net-8k", train_fraction=0.25, batch_size=10)
    first, second, other = (
        run("net-8k", train_fraction=0.25, batch_size=10, seed=seed)[1] for seed in (settings.seed, settings.seed, 1)
    )
    assert first[-1].samples_seen == len(bars()[0]) / 4
    assert [progress.loss for progress in first] == [progress.loss for progress in second]
    assert [progress.loss for progress in first] != [progress.loss for progress in other]


def test_added_images_join_the_share():
    images, labels = bars()
    settings = get_settings("net-8k", train_fraction=0.25, batch_size=10)
    *_, last = train(build_model("net-8k", 0), images, labels, settings, extra_data=(images[:7], labels[:7]))
    assert last.samples_seen == len(images) / 4 + 7


def test_a_batch_needs_as_many_images():
    with pytest.raises(ValueError, match="64 images a batch are more than the 20 there are"):
        next(train(build_model("net-25k", 0), *bars(20), get_settings("net-25k")))


def test_muons_rate_changes_with_the_other():
    ours = get_settings("net-25k")
    faster = get_settings("net-25k", lr=2 * ours.lr)
    assert faster.muon_lr == pytest.approx(2 * ours.muon_lr)
    assert get_settings("net-25k", lr=2 * ours.lr, muon_lr=ours.muon_lr).muon_lr == ours.muon_lr
    assert get_settings("net-25k", lr=ours.lr) == ours


def test_progress_tells_the_last_batch_from_the_smoothed():
    _, reports = run("net-8k", epochs=4, batch_size=20)
    assert reports[0].smoothed_loss == reports[0].loss
    assert reports[0].accuracy == reports[0].batch_accuracy
    spread = [abs(progress.loss - progress.smoothed_loss) for progress in reports]
    assert max(spread) > 0.01
    losses = [progress.loss for progress in reports]
    assert min(losses) < reports[-1].smoothed_loss < max(losses)
