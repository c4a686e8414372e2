"""What a visitor chooses to train, as the page, its links and `get_settings` have it."""

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from ..models import MODELS
from ..training import AUGMENTATIONS, TrainingSettings, augmentation_name, get_settings

RECIPES = ("default", "reference")  # those of one epoch
BATCH_SIZES = (8, 16, 32, 64, 128, 256)
LR_RANGE = (0.001, 2.0)
PERCENT = (1, 100)  # of the training set
MAX_SEED = 2**31 - 1


@dataclass(frozen=True)
class TrainingForm:
    """The settings that the page offers; each has its name in links.

    Attributes:
        network: a key of `MODELS`.
        recipe: one of `RECIPES`.
        lr: peak learning rate, within `LR_RANGE`.
        batch_size: one of `BATCH_SIZES`.
        augmentation: a key of `AUGMENTATIONS`.
        percent: of the training set that is used, within `PERCENT`.
        seed: 0 to `MAX_SEED`.
    """

    network: str
    recipe: str
    lr: float
    batch_size: int
    augmentation: str
    percent: float
    seed: int

    @classmethod
    def from_recipe(cls, network: str, recipe: str) -> "TrainingForm":
        """What a recipe trains a network with.

        Raises:
            ValueError: there is no such network or recipe.
        """
        if recipe not in RECIPES:
            raise ValueError(f"The recipe must be one of {', '.join(RECIPES)}.")
        settings = get_settings(network, recipe)
        return cls(network, recipe, settings.lr, settings.batch_size, augmentation_name(settings), 100, settings.seed)

    @classmethod
    def from_query(cls, query: Mapping[str, str]) -> "TrainingForm":
        """What a link names; for what it does not, as the recipe has it.

        Raises:
            ValueError: it names something that cannot be chosen; the message says what.
        """
        names = {field.name for field in dataclasses.fields(cls)}
        given = {name: text for name, text in query.items() if name in names}
        start = cls.from_recipe(given.pop("network", "net-25k"), given.pop("recipe", "default"))
        values: dict[str, Any] = {}
        for name, text in given.items():
            kind = type(getattr(start, name))
            try:
                values[name] = text if kind is str else float(text) if name in ("lr", "percent") else int(text)
            except ValueError as error:
                raise ValueError(f"The link's {name} must be a number, not {text!r}.") from error
        choices = dataclasses.replace(start, **values)
        choices.settings()
        return choices

    def query(self) -> str:
        """The part of a link that names these, as `from_query` takes it."""
        return urlencode(dataclasses.asdict(self))

    def settings(self) -> TrainingSettings:
        """What to train with.

        Raises:
            ValueError: one of these is not to be had, or they do not go together; the message says which and why.
        """
        rules = {
            "network": (self.network in list(MODELS), f"one of {', '.join(MODELS)}"),
            "recipe": (self.recipe in RECIPES, f"one of {', '.join(RECIPES)}"),
            "learning rate": (_within(self.lr, LR_RANGE), f"from {LR_RANGE[0]} to {LR_RANGE[1]:g}"),
            "batch size": (self.batch_size in BATCH_SIZES, f"one of {', '.join(map(str, BATCH_SIZES))}"),
            "augmentation": (self.augmentation in list(AUGMENTATIONS), f"one of {', '.join(AUGMENTATIONS)}"),
            "share of the training set": (_within(self.percent, PERCENT), f"from {PERCENT[0]} to {PERCENT[1]} percent"),
            "seed": (
                _within(self.seed, (0, MAX_SEED)) and self.seed == int(self.seed),
                f"a whole number from 0 to {MAX_SEED}",
            ),
        }
        broken = [f"The {name} must be {rule}." for name, (good, rule) in rules.items() if not good]
        if broken:
            raise ValueError(" ".join(broken))
        # What moves a network by so much for so few images diverges, or learns the last batch alone.
        gentlest = get_settings(self.network, self.recipe)
        most = 4 * gentlest.lr * max(1, self.batch_size / gentlest.batch_size)
        if self.lr > most:
            raise ValueError(
                f"A learning rate of {self.lr:g} is too high for batches of {self.batch_size} with the recipe "
                f"“{self.recipe}”: take at most {most:g}, or larger batches."
            )
        return get_settings(
            self.network,
            self.recipe,
            lr=float(self.lr),
            batch_size=int(self.batch_size),
            train_fraction=self.percent / 100,
            seed=int(self.seed),
            **AUGMENTATIONS[self.augmentation],
        )


def _within(value: object, limits: tuple[float, float]) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and limits[0] <= value <= limits[1]
