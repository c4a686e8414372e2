import dataclasses

import pytest

from mnist_cnn.training import AUGMENTATIONS, RECIPES, TrainingSettings, augmentation_name, get_settings
from mnist_cnn.training.settings import LIMITS


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"epochs": 0}, "epochs must be from 1 to 1000, not 0"),
        ({"batch_size": 1}, "batch_size must be from 2 to 1024, not 1"),
        ({"lr": 0.0}, "lr must be from 0.0001 to 10, not 0.0"),
        ({"lr": float("nan")}, "lr must be from 0.0001 to 10, not nan"),
        ({"seed": -1}, "seed must be from 0 to 2147483647, not -1"),
        ({"optimizer": "adam"}, "optimizer must be one of muon, sgd, not 'adam'"),
        ({"schedule": "step"}, "schedule must be one of linear, one-cycle, not 'step'"),
        ({"precision": "float16"}, "precision must be one of float32, bfloat16, not 'float16'"),
        ({"epochs": 0, "lr": -1.0}, "epochs must be from 1 to 1000, not 0; lr must be"),
    ],
)
def test_invalid_settings_are_rejected_by_name(changes, message):
    with pytest.raises(ValueError, match=f"Invalid training settings: {message}"):
        get_settings("net-25k", **changes)


@pytest.mark.parametrize("name", LIMITS)
def test_every_limit_is_checked(name):
    low, high = LIMITS[name]
    for value in (low, high):
        assert getattr(dataclasses.replace(TrainingSettings(), **{name: value}), name) == value
    for value in (low - 1, high + 1):
        with pytest.raises(ValueError, match=f"{name} must be from"):
            dataclasses.replace(TrainingSettings(), **{name: value})


def test_unknown_names_are_rejected():
    with pytest.raises(ValueError, match=r"Unknown recipe 'best'\. Available: default, reference, pretrained"):
        get_settings("net-8k", "best")
    with pytest.raises(ValueError, match=r"Unknown model 'net-9'\. Available: net-8k, net-25k"):
        get_settings("net-9")
    with pytest.raises(ValueError, match="model must be one of net-8k, net-25k, net-210k, not 'net-9'"):
        TrainingSettings(model="net-9")


def test_changes_replace_fields_of_a_recipe():
    changed = get_settings("net-25k", epochs=3, lr=None, precision="float32")
    assert changed == dataclasses.replace(RECIPES["default"]["net-25k"], epochs=3)


@pytest.mark.parametrize(("available", "precision"), [(True, "bfloat16"), (False, "float32")])
def test_default_recipe_has_the_precision_that_is_fastest(monkeypatch, available, precision):
    monkeypatch.setattr("mnist_cnn.training.settings.has_bfloat16", lambda: available)
    assert get_settings("net-8k").precision == precision
    assert get_settings("net-8k", precision="float32").precision == "float32"
    assert {get_settings("net-8k", recipe).precision for recipe in ("reference", "pretrained")} == {"float32"}


def test_muon_lr_changes_with_lr():
    default = get_settings("net-25k")
    assert get_settings("net-25k", lr=2 * default.lr).muon_lr == pytest.approx(2 * default.muon_lr)
    assert get_settings("net-25k", lr=2 * default.lr, muon_lr=default.muon_lr).muon_lr == default.muon_lr
    assert get_settings("net-25k", lr=default.lr) == default


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentation_is_found_by_its_fields(name):
    assert augmentation_name(get_settings("net-8k", **AUGMENTATIONS[name])) == name
    assert augmentation_name(get_settings("net-8k", stroke_augmentation=0.1)) == "custom"


def test_reference_recipe_is_the_published_one():
    settings = get_settings("net-8k", "reference")
    assert (settings.epochs, settings.batch_size, settings.optimizer, settings.lr) == (1, 32, "sgd", 0.1)
    assert (settings.momentum, settings.nesterov, settings.weight_decay) == (0.9, False, 2e-4)
    assert (settings.schedule, settings.affine.degrees, settings.stroke_augmentation) == ("one-cycle", 15, 0.0)
    assert (settings.dropout, settings.label_smoothing, settings.logit_scale) == (0.03, 0.0, 1.0)
    assert settings.crop_fraction == 0
