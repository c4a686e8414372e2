import dataclasses
from urllib.parse import parse_qsl

import pytest

from mnist_cnn.models import MODELS
from mnist_cnn.training import get_settings
from mnist_cnn.ui.training_form import RECIPES, TrainingForm


@pytest.mark.parametrize("recipe", RECIPES)
@pytest.mark.parametrize("network", MODELS)
def test_a_recipes_choices_are_the_recipe(network, recipe):
    assert TrainingForm.from_recipe(network, recipe).settings() == get_settings(network, recipe)


def test_a_link_names_the_same_settings():
    choices = TrainingForm("net-8k", "reference", 0.05, 64, "none", 25, 7)
    assert TrainingForm.from_query(dict(parse_qsl(choices.query()))) == choices


def test_what_a_link_does_not_name_is_the_recipes():
    assert TrainingForm.from_query({"recipe": "reference", "tab": "train"}) == TrainingForm.from_recipe(
        "net-25k", "reference"
    )


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"network": "net-9k"}, "net-9k"),
        ({"recipe": "long"}, "The recipe must be one of ours, reference"),
        ({"lr": "fast"}, "lr must be a number, not 'fast'"),
        ({"lr": "nan"}, "The learning rate must be from 0.001 to 2"),
        ({"batch_size": "7"}, "The batch size must be one of 8, 16"),
        ({"augmentation": "mirror"}, "The augmentation must be one of none, light, affine, redrawn"),
        ({"percent": "0"}, "from 1 to 100 percent"),
        ({"seed": "-1"}, "The seed must be a whole number"),
        ({"lr": "1.9"}, "take at most 0.8, or larger batches"),
    ],
)
def test_what_cannot_be_trained_with_is_refused_in_words(query, words):
    with pytest.raises(ValueError, match=words):
        TrainingForm.from_query(query)


@pytest.mark.parametrize(
    "field", [{"lr": None}, {"lr": "0.1"}, {"percent": None}, {"seed": 1.5}, {"batch_size": [64]}, {"network": ["x"]}]
)
def test_values_of_the_wrong_kind_are_refused_too(field):
    with pytest.raises(ValueError, match="must be"):
        dataclasses.replace(TrainingForm.from_recipe("net-25k", "ours"), **field).settings()
