import dataclasses
from urllib.parse import parse_qsl

import pytest

from mnist_cnn.models import MODELS
from mnist_cnn.training import get_settings
from mnist_cnn.ui.training_form import RECIPES, TrainingForm


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("model", MODELS)
def test_form_of_recipe_gives_the_recipe(model, recipe):
    assert TrainingForm.from_recipe(model, recipe).settings() == get_settings(model, recipe)


def test_link_gives_the_same_form():
    form = TrainingForm("net-8k", "reference", 0.05, 64, "none", 0.25, 7)
    assert TrainingForm.from_query(dict(parse_qsl(form.query()))) == form
    assert "train_fraction=0.25" in form.query()


def test_link_without_settings_gives_the_recipe():
    assert TrainingForm.from_query({"recipe": "reference", "tab": "train"}) == TrainingForm.from_recipe(
        "net-25k", "reference"
    )


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({"model": "net-9k"}, "net-9k"),
        ({"recipe": "pretrained"}, "Unknown recipe. Available: default, reference"),
        ({"lr": "fast"}, "lr must be a number, not 'fast'"),
        ({"lr": "nan"}, "learning rate must be from 0.0001 to 10"),
        ({"batch_size": "7"}, "batch size must be one of 8, 16"),
        ({"augmentation": "mirror"}, "augmentation must be one of none, light, affine, strokes"),
        ({"train_fraction": "0"}, "training data must be from 0.1 % to 100 %"),
        ({"train_fraction": "25"}, "training data must be from 0.1 % to 100 %"),
        ({"seed": "-1"}, "seed must be a whole number from 0 to 2147483647"),
        ({"seed": "1.5"}, "seed must be a whole number, not '1.5'"),
        ({"lr": "1.9"}, "use at most 1, or larger batches"),
    ],
)
def test_invalid_link_is_rejected(query, message):
    with pytest.raises(ValueError, match=message):
        TrainingForm.from_query(query)


@pytest.mark.parametrize(
    "field",
    [
        {"lr": None},
        {"lr": "0.1"},
        {"train_fraction": None},
        {"seed": 1.5},
        {"batch_size": [64]},
        {"model": ["x"]},
    ],
)
def test_value_of_wrong_type_is_rejected(field):
    with pytest.raises(ValueError, match=r"Invalid training settings: .* must be"):
        dataclasses.replace(TrainingForm.from_recipe("net-25k", "default"), **field).settings()


def test_every_problem_is_named():
    form = dataclasses.replace(TrainingForm.from_recipe("net-25k", "default"), lr=-1, seed=0.5, batch_size=7)
    with pytest.raises(ValueError, match=r"batch size .*; learning rate .*; seed must be a whole number from 0 to"):
        form.settings()
