"""The settings that a user of the page can choose, as the page's form, its links and `get_settings` have them."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..models import DEFAULT_MODEL, MODELS
from ..training import AUGMENTATIONS, TrainingSettings, augmentation_name, get_settings
from ..training.settings import LIMITS

RECIPES = ("default", "reference")  # those with one epoch
BATCH_SIZES = (8, 16, 32, 64, 96, 128, 256)


@dataclass(frozen=True)
class TrainingForm:
    """The settings in the form. Field names are also the parameters of links; the page keeps the order of the fields.

    Values come from anyone on the internet, so none has to be valid, or of the right type, before `settings` checks it.

    Attributes:
        model: a key of `MODELS`.
        recipe: one of `RECIPES`.
        lr: peak learning rate, within `LIMITS`.
        batch_size: one of `BATCH_SIZES`.
        augmentation: a key of `AUGMENTATIONS`.
        train_fraction: fraction of the training set to train on, within `LIMITS`.
        seed: a whole number within `LIMITS`.
    """

    model: str
    recipe: str
    lr: float
    batch_size: int
    augmentation: str
    train_fraction: float
    seed: int

    @classmethod
    def from_recipe(cls, model: str, recipe: str) -> "TrainingForm":
        """The settings of a recipe.

        Raises:
            ValueError: the model or the recipe is unknown.
        """
        if recipe not in RECIPES:
            raise ValueError(f"Unknown recipe. Available: {', '.join(RECIPES)}.")
        settings = get_settings(model, recipe)
        return cls(
            model,
            recipe,
            settings.lr,
            settings.batch_size,
            augmentation_name(settings),
            settings.train_fraction,
            settings.seed,
        )

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "TrainingForm":
        """The settings in a link; those that it leaves out are the recipe's.

        Raises:
            ValueError: a setting is invalid; the message says which.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        texts = {name: text for name, text in query.items() if name in names}
        recipe = cls.from_recipe(texts.pop("model", DEFAULT_MODEL), texts.pop("recipe", RECIPES[0]))
        changes: dict[str, Any] = {}
        for name, text in texts.items():
            kind = type(getattr(recipe, name))
            try:
                changes[name] = kind(text)
            except ValueError as error:
                number = "a whole number" if kind is int else "a number"
                raise ValueError(f"{name} must be {number}, not {text!r}.") from error
        form = dataclasses.replace(recipe, **changes)
        form.settings()
        return form

    def query(self) -> str:
        """The query string for `from_query`, without a question mark."""
        return urlencode(dataclasses.asdict(self))

    def settings(self) -> TrainingSettings:
        """The settings to train with.

        Raises:
            ValueError: a setting is invalid, or the learning rate is too high for the others. The message says what to
                change, and repeats nothing that is not known to be harmless in HTML.
        """
        problems = [
            f"{name} must be one of {', '.join(map(str, choices))}"
            for name, value, choices in (
                ("model", self.model, MODELS),
                ("recipe", self.recipe, RECIPES),
                ("batch size", self.batch_size, BATCH_SIZES),
                ("augmentation", self.augmentation, AUGMENTATIONS),
            )
            if value not in list(choices)
        ]
        for name, field in (("learning rate", "lr"), ("training data", "train_fraction"), ("seed", "seed")):
            low, high = LIMITS[field]
            value = getattr(self, field)
            if not _is_number(value) or not low <= value <= high or (field == "seed" and value != int(value)):
                problems.append(f"{name} must be {range_text(field)}")
        if problems:
            raise ValueError(f"Invalid training settings: {'; '.join(problems)}.")
        # With larger steps on smaller batches, training diverges or fits only the last batches.
        recipe = get_settings(self.model, self.recipe)
        max_lr = 4 * recipe.lr * max(1, self.batch_size / recipe.batch_size)
        if self.lr > max_lr:
            raise ValueError(
                f"The learning rate {self.lr:g} is too high for batch size {self.batch_size} with the recipe "
                f"“{self.recipe}”: use at most {max_lr:g}, or larger batches."
            )
        return get_settings(
            self.model,
            self.recipe,
            lr=float(self.lr),
            batch_size=int(self.batch_size),
            train_fraction=float(self.train_fraction),
            seed=int(self.seed),
            **AUGMENTATIONS[self.augmentation],
        )


def range_text(field: str) -> str:
    """The limits of a field, in the unit that the form shows."""
    low, high = LIMITS[field]
    if field == "train_fraction":
        return f"from {100 * low:g} % to {100 * high:g} %"
    return f"{'a whole number ' if field == 'seed' else ''}from {low:g} to {high:.10g}"


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
