"""The space of a search: from the config or by default; and what its points mean."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, get_args

import keras_tuner

from components.errors import InputError
from components.models import own_model
from components.models.hyperparameters import (
    HyperParameters,
    ImageArchitecture,
    ImageHyperParameters,
    NetworkArchitecture,
    TreesArchitecture,
    TreesHyperParameters,
    check_kind,
)
from components.models.specification import Member
from components.models.training_config import TrainingConfig
from components.strategies.search_space import SearchSpace, Values
from components.tuner import domains
from components.tuner.config import TunerConfig
from components.tuner.domains import Choice, Domain, Range

if TYPE_CHECKING:
    from components.models.transformed import Features

AnyHyperParameters = HyperParameters | TreesHyperParameters | ImageHyperParameters

_NETWORKS: tuple[str, ...] = get_args(NetworkArchitecture)
_TREES: tuple[str, ...] = get_args(TreesArchitecture)
_DEEP = tuple(name for name in _NETWORKS if name != "linear")
_BOOSTED = ("boosted_trees",)
_FORESTS = ("random_forest", "extra_trees")
_IMAGES: tuple[str, ...] = get_args(ImageArchitecture)
_CNN = ("cnn",)
#: Side of the smallest images that ``lenet5`` takes.
_LENET5_SIDE = 16


@dataclass(frozen=True)
class Entry:
    """A hyperparameter of the default space.

    Attributes
    ----------
    domain : Domain
    architectures : tuple of str
        Where it is active.
    parent : tuple of str
        A further hyperparameter and the values of it that make this one active, if any.
    """

    domain: Domain
    architectures: tuple[str, ...]
    parent: tuple[str, ...] = ()


#: Every hyperparameter that can be searched and when it is active, with its default domain;
#: without one it is searched only if a config gives one.
_ENTRIES: dict[str, Entry] = {
    "layers": Entry(Range(min=1, max=4), _DEEP),
    "units": Entry(Choice(values=(16, 32, 64, 128, 256, 512), ordered=True), _DEEP),
    "shape": Entry(Choice(values=domains.SHAPES), _DEEP),
    "cross_layers": Entry(Range(min=1, max=4), ("cross",)),
    "activation": Entry(Choice(values=("relu", "elu", "gelu", "selu", "swish", "tanh")), _DEEP),
    "initializer": Entry(Choice(values=("glorot_uniform", "he_normal", "lecun_normal")), _DEEP),
    "normalization": Entry(Choice(values=("none", "batch", "layer")), _DEEP),
    "numeric": Entry(Choice(values=("all", "standardized", "ranks")), _NETWORKS),
    "max_categories": Entry(Choice(values=(16, 64, 256, 1024), ordered=True), _NETWORKS),
    "embedding_dim": Entry(Choice(values=(2, 4, 8, 16, 32), ordered=True), _DEEP),
    "dropout": Entry(Range(min=0.0, max=0.5, step=0.05), _DEEP),
    "l2": Entry(Choice(values=(0.0, 1e-6, 1e-5, 1e-4, 1e-3), ordered=True), _NETWORKS),
    "optimizer": Entry(Choice(values=("adam", "adamw", "rmsprop", "sgd")), _NETWORKS),
    "momentum": Entry(Range(min=0.0, max=0.99), _NETWORKS, ("optimizer", "sgd")),
    "weight_decay": Entry(
        Range(min=1e-5, max=1e-1, scale="log"), _NETWORKS, ("optimizer", "adamw")
    ),
    "learning_rate": Entry(Range(min=1e-4, max=3e-2, scale="log"), _NETWORKS),
    "schedule": Entry(Choice(values=("constant", "cosine", "exponential")), _NETWORKS),
    "batch_size": Entry(Choice(values=(32, 64, 128, 256, 512), ordered=True), _NETWORKS),
    "patience": Entry(Choice(values=(2, 4, 8), ordered=True), _NETWORKS),
    "boosted_trees.learning_rate": Entry(Range(min=0.01, max=0.3, scale="log"), _BOOSTED),
    "boosted_trees.max_leaves": Entry(Range(min=4, max=128, scale="log"), _BOOSTED),
    "boosted_trees.min_samples_leaf": Entry(Range(min=1, max=200, scale="log"), _BOOSTED),
    "boosted_trees.l2": Entry(Choice(values=(0.0, 0.1, 1.0, 10.0), ordered=True), _BOOSTED),
    "boosted_trees.max_features": Entry(Range(min=0.2, max=1.0, step=0.1), _BOOSTED),
    "forest.trees": Entry(Choice(values=(50, 100, 200), ordered=True), _FORESTS),
    "forest.max_leaves": Entry(Range(min=32, max=2048, scale="log"), _FORESTS),
    "forest.min_samples_leaf": Entry(Range(min=1, max=50, scale="log"), _FORESTS),
    "forest.max_features": Entry(Range(min=0.1, max=1.0, step=0.1), _FORESTS),
}
#: The same for images. Mirroring is left out: it makes another of many a digit or letter.
_IMAGE_ENTRIES: dict[str, Entry] = {
    "stages": Entry(Range(min=1, max=4), _CNN),
    "cells": Entry(Range(min=1, max=3), _CNN),
    "cell": Entry(Choice(values=("plain", "residual", "depthwise")), _CNN),
    "filters": Entry(Choice(values=(8, 16, 32, 64), ordered=True), _CNN),
    "kernel": Entry(Choice(values=(3, 5), ordered=True), _CNN),
    "normalization": Entry(Choice(values=("none", "batch")), _CNN),
    "scaling": Entry(Choice(values=("unit", "standard")), _IMAGES),
    "augmentation": Entry(Choice(values=("none", "shift", "shift_rotate")), _IMAGES),
    "shift": Entry(
        Range(min=0.02, max=0.2), _IMAGES, ("augmentation", "shift", "shift_rotate", "flip")
    ),
    "rotation": Entry(Range(min=2.0, max=30.0), _IMAGES, ("augmentation", "shift_rotate")),
    **{
        name: dataclasses.replace(_ENTRIES[name], architectures=_IMAGES)
        for name in (
            "dropout",
            "l2",
            "optimizer",
            "momentum",
            "weight_decay",
            "learning_rate",
            "schedule",
            "batch_size",
            "patience",
        )
    },
}
#: Hyperparameters that only a config puts into a search, and where they are active.
_FURTHER: dict[str, tuple[str, ...]] = {
    "hidden_units": _DEEP,
    "epochs": _NETWORKS,
    **{
        prefix + name: architectures
        for prefix, architectures in domains.TREES_PREFIXES.items()
        for name in TreesHyperParameters.model_fields
        if name != domains.ARCHITECTURE and prefix + name not in _ENTRIES
    },
}
#: What a search tries of each architecture before its strategy begins, where it is not the
#: hyperparameters' own default.
_STARTS: dict[str, dict[str, Any]] = {
    name: {"trees": 100, "max_leaves": 512, "min_samples_leaf": 5, "max_features": 0.4}
    for name in _FORESTS
}


class ModelSpace:
    """The space of the architectures of tables.

    Parameters
    ----------
    config : TunerConfig
    training : TrainingConfig
        Its model gives all that is not searched.
    features : Features
        What the inputs are: decides what of the default space makes sense.
    """

    _entries = _ENTRIES
    _further = _FURTHER
    _known = (*_NETWORKS, *_TREES)

    def __init__(self, config: TunerConfig, training: TrainingConfig, features: Features) -> None:
        self._base = _complete(training)
        self._vocabulary = max((column.size for column in features.categorical), default=0)
        if config.space is None:
            self._domains = self._default(config.families, features)
        else:
            self._domains = dict(config.space)
        self.architectures = self._architectures()
        for architecture in self.architectures:
            check_kind(
                architecture,
                images=features.image is not None,
                setting="tuner.families" if config.families else "tuner.space.architecture",
            )
        self.hyperparameters = self._translate(in_full=config.space is not None)

    def _default(self, families: Sequence[str] | None, features: Features) -> dict[str, Domain]:
        families = families or _NETWORKS
        copies = any(name.endswith(":cdf") for name in features.numeric)
        senseless = {
            "numeric": not copies,
            "embedding_dim": not self._vocabulary,
            "max_categories": self._vocabulary <= _ENTRIES["max_categories"].domain.examples[0],
        }
        entries = {
            name: entry.domain
            for name, entry in _ENTRIES.items()
            if set(entry.architectures) & set(families) and not senseless.get(name)
        }
        return {domains.ARCHITECTURE: Choice(values=tuple(dict.fromkeys(families))), **entries}

    def _architectures(self) -> tuple[str, ...]:
        domain = self._domains.get(domains.ARCHITECTURE)
        if domain is None:
            return (self._base.architecture,)
        return tuple(str(value) for value in domain.examples)

    def _translate(self, *, in_full: bool) -> keras_tuner.HyperParameters:
        """Return the space as KerasTuner's; `in_full` refuses what no architecture uses."""
        space = keras_tuner.HyperParameters()
        # Parents first: a condition names a hyperparameter that is already there.
        ordered = sorted(self._domains, key=self._depth)
        for name in ordered:
            domain = self._domains[name]
            active = self._active_in(name)
            used = [each for each in self.architectures if each in active]
            if not used:
                if in_full:
                    raise InputError(
                        f"No architecture of the search uses {name}.",
                        setting=f"tuner.space.{name}",
                        expected=f"one of {', '.join(active)} among its architectures",
                        got=", ".join(self.architectures),
                        remedy="Leave it out, or search such an architecture.",
                    )
                continue
            conditions: list[tuple[str, list[str]]] = []
            if len(used) < len(self.architectures):
                conditions.append((domains.ARCHITECTURE, used))
            if name in self._entries and self._entries[name].parent:
                parent, *values = self._entries[name].parent
                searched = self._domains.get(parent)
                fixed = getattr(self._base, parent, None)
                allowed = [v for v in values if v in (searched.examples if searched else (fixed,))]
                if not allowed:
                    wanted = " or ".join(values)
                    raise InputError(
                        f"No model of the search uses {name}: it needs {parent}={wanted}.",
                        setting=f"tuner.space.{name}",
                        expected=f"{wanted} among the values of {parent}",
                        got=searched or fixed,
                    )
                if searched is not None:
                    conditions.append((parent, allowed))
            _add(space, name, domain, conditions)
        return space

    def _active_in(self, name: str) -> tuple[str, ...]:
        """Return the architectures that have a hyperparameter."""
        if name == domains.ARCHITECTURE:
            return self._known
        for entries in (self._entries, _ENTRIES, _IMAGE_ENTRIES):
            if name in entries:
                return entries[name].architectures
        return self._further.get(name, ())

    def _depth(self, name: str) -> int:
        if name == domains.ARCHITECTURE:
            return 0
        return 2 if name in self._entries and self._entries[name].parent else 1

    def describe(self) -> dict[str, str]:
        """Return what each hyperparameter may be, in words."""
        return {hp.name: str(self._domains[hp.name]) for hp in self.hyperparameters.space}

    def member(self, values: Mapping[str, Any]) -> Member:
        """Return the model that a point means."""
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        architecture = str(values.get(domains.ARCHITECTURE, self._base.architecture))
        if architecture in _TREES:
            base = self._base if isinstance(self._base, TreesHyperParameters) else None
            parts = [(*domains.split_prefix(name), value) for name, value in values.items()]
            fields = {
                **(base.model_dump() if base else {}),
                **{name: value for prefix, name, value in parts if prefix},
            }
            return Member(
                model=TreesHyperParameters(**{**fields, domains.ARCHITECTURE: architecture})
            )
        base_network = self._base if isinstance(self._base, HyperParameters) else HyperParameters()
        fields = {**base_network.model_dump(), **values}
        layers, units, shape = (
            fields.pop(name, None) for name in (domains.LAYERS, domains.UNITS, domains.SHAPE)
        )
        if isinstance(fields["hidden_units"], str):
            fields["hidden_units"] = domains.units(fields["hidden_units"])
        elif not layers is units is shape is None:
            widths = base_network.hidden_units or (1,)
            fields["hidden_units"] = hidden_units(
                layers or len(widths), units or widths[0], shape or "constant"
            )
        if fields["max_categories"] is not None and fields["max_categories"] >= self._vocabulary:
            fields["max_categories"] = None
        return Member(model=HyperParameters(**fields))

    def configured(self, training: TrainingConfig) -> Member:
        """Return the configured model."""
        return Member(model=training.model, build_model=training.build_model)

    def default(self) -> Values | None:
        """Return the point that means the configured model, or None if the space has none."""
        return self._point(self._base)

    def starts(self) -> dict[str, Values]:
        """Return a point of each architecture, by its name, but for the configured model's."""
        found = {}
        for name in self.architectures:
            if name in _TREES:
                changes = {domains.ARCHITECTURE: name, **_STARTS.get(name, {})}
                point = self._point(TreesHyperParameters(**changes))
            else:
                network = self._base
                if not isinstance(network, HyperParameters):
                    network = HyperParameters()
                point = self._point(network.model_copy(update={domains.ARCHITECTURE: name}))
            if point is not None and point != self.default():
                found[name] = point
        return found

    def _point(self, model: AnyHyperParameters) -> Values | None:
        """Return the point that means `model`, or None if the space has none."""
        space = SearchSpace.from_hyperparameters(self.hyperparameters)
        values: Values = {}
        for parameter in space.parameters:
            if parameter.is_active(values):
                values[parameter.name] = _value(model, parameter.name, self._vocabulary)
        if not space.contains(values):
            return None
        return values if self.member(values).model == model else None


class ImageSpace(ModelSpace):
    """The space of the architectures of images; see `ModelSpace`."""

    _entries = _IMAGE_ENTRIES
    _further: dict[str, tuple[str, ...]] = {"epochs": _IMAGES}  # noqa: RUF012
    _known = _IMAGES

    def _default(self, families: Sequence[str] | None, features: Features) -> dict[str, Domain]:
        assert features.image is not None
        if families is None:
            small = min(features.image.height, features.image.width) < _LENET5_SIDE
            families = [name for name in _IMAGES if not (small and name == "lenet5")]
        entries = {
            name: entry.domain
            for name, entry in _IMAGE_ENTRIES.items()
            if set(entry.architectures) & set(families)
        }
        return {domains.ARCHITECTURE: Choice(values=tuple(dict.fromkeys(families))), **entries}

    def member(self, values: Mapping[str, Any]) -> Member:
        """Return the model that a point means."""
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        return Member(model=ImageHyperParameters(**{**self._network.model_dump(), **values}))

    def starts(self) -> dict[str, Values]:
        """Return a point of each architecture, by its name, but for the configured model's."""
        points = {
            name: self._point(self._network.model_copy(update={domains.ARCHITECTURE: name}))
            for name in self.architectures
        }
        return {name: point for name, point in points.items() if point and point != self.default()}

    @property
    def _network(self) -> ImageHyperParameters:
        return (
            self._base if isinstance(self._base, ImageHyperParameters) else ImageHyperParameters()
        )


class OwnSpace:
    """The space of a user's function.

    Parameters
    ----------
    path : str
        Dotted path of ``build_model(hp)``, which is called once, to ask for its values.
    training : TrainingConfig
    features : Features
    """

    def __init__(self, path: str, training: TrainingConfig, features: Features) -> None:
        self._path = path
        model = training.model
        self._base = HyperParameters() if isinstance(model, TreesHyperParameters) else model
        self.hyperparameters = keras_tuner.HyperParameters()
        own_model.ask(path, self.hyperparameters, features)
        self.architectures = (path.rpartition(".")[2],)

    def describe(self) -> dict[str, str]:
        """Return what each hyperparameter may be, in words."""
        return {
            hp.name: ", ".join(str(value) for value in hp.values)
            if not hasattr(hp, "min_value")
            else f"{hp.min_value:g} to {hp.max_value:g}"
            for hp in self.hyperparameters.space
        }

    def member(self, values: Mapping[str, Any]) -> Member:
        """Return the model that a point means."""
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
        known = {name: value for name, value in values.items() if name in TRAINING_FIELDS}
        return Member(
            model=type(self._base)(**{**self._base.model_dump(), **known}),
            build_model=self._path,
            values=dict(values),
        )

    def configured(self, training: TrainingConfig) -> Member:
        """Return the model that the function's own defaults mean."""
        return self.member(self.default())

    def default(self) -> Values:
        """Return the point that the function's own defaults mean."""
        return dict(self.hyperparameters.values)

    def starts(self) -> dict[str, Values]:
        """Return nothing: a function has one architecture."""
        return {}


#: Hyperparameters of an own function that also decide its training.
TRAINING_FIELDS = (
    "optimizer",
    "momentum",
    "weight_decay",
    "learning_rate",
    "schedule",
    "batch_size",
    "epochs",
    "patience",
)


def hidden_units(layers: int, units: int, shape: str) -> tuple[int, ...]:
    """Return the widths of hidden layers.

    Examples
    --------
    >>> hidden_units(3, 64, "constant"), hidden_units(3, 64, "halving")
    ((64, 64, 64), (64, 32, 16))
    """
    if shape == "constant":
        return (units,) * layers
    return tuple(max(units >> index, 1) for index in range(layers))


def build_space(
    config: TunerConfig, training: TrainingConfig, features: Features
) -> ModelSpace | OwnSpace:
    """Return the space of a search.

    Raises
    ------
    InputError
        The space is empty, or says of a hyperparameter what no architecture uses.
    """
    space: ModelSpace | OwnSpace
    if config.build_model is not None:
        space = OwnSpace(config.build_model, training, features)
    else:
        space = (ModelSpace if features.image is None else ImageSpace)(config, training, features)
    parameters = SearchSpace.from_hyperparameters(space.hyperparameters).parameters
    if not any(len(parameter.levels) > 1 for parameter in parameters):
        raise InputError(
            "The search space is empty.",
            setting="tuner.space" if config.build_model is None else "tuner.build_model",
            expected="at least one hyperparameter with more than one value",
            got=", ".join(space.describe()) or "none",
            remedy="Give a hyperparameter more values, or leave out the section tuner.",
        )
    return space


def check_grid(space: SearchSpace, trials: int | None, largest: int = 10_000) -> None:
    """Raise an `InputError` if a grid has more points than there may be trials."""
    size, limit = space.size(), trials or largest
    if size > limit:
        raise InputError(
            f"The grid has {size:,} points, and the search may have {limit:,} trials.",
            setting="tuner.strategy",
            expected=f"at most {limit:,} points",
            got=f"{size:,} points of {len(space.parameters)} hyperparameters",
            remedy="Give fewer values in tuner.space, raise tuner.budget.trials, or take the "
            "strategy random.",
        )


def _complete(training: TrainingConfig) -> AnyHyperParameters:
    """Return the configured model with all that the Trainer would add."""
    model = training.model
    if isinstance(model, TreesHyperParameters):
        return model
    return model.model_copy(
        update={
            "epochs": model.epochs or training.epochs,
            "patience": model.patience or training.patience,
        }
    )


def _add(
    space: keras_tuner.HyperParameters,
    name: str,
    domain: Domain,
    conditions: Sequence[tuple[str, list[str]]],
) -> None:
    """Add a hyperparameter, active under all the conditions."""
    if conditions:
        (parent, allowed), *others = conditions
        with space.conditional_scope(parent, allowed):
            _add(space, name, domain, others)
    elif isinstance(domain, Choice):
        values = list(domain.values)
        if any(isinstance(value, float) for value in values):
            values = [float(value) for value in values]  # KerasTuner wants one type
        space.Choice(name, values, ordered=domain.ordered)
    elif domain.step is not None:
        # As a choice: KerasTuner's own steps may lose the last level to rounding.
        space.Choice(name, list(domain.levels), ordered=True)
    else:
        kind = space.Int if domain.integer else space.Float
        kind(name, domain.min, domain.max, sampling=domain.scale)


def _value(model: AnyHyperParameters, name: str, vocabulary: int) -> Any:
    """Return what a hyperparameter of a search is in a model; None if it cannot be said."""
    if isinstance(model, HyperParameters) and name in (
        domains.LAYERS,
        domains.UNITS,
        domains.SHAPE,
    ):
        widths = model.hidden_units
        if not widths:
            return None
        shape = "constant" if len(set(widths)) == 1 else "halving"
        return {
            domains.LAYERS: len(widths),
            domains.UNITS: widths[0],
            domains.SHAPE: shape,
        }[name]
    value = getattr(model, domains.split_prefix(name)[1], None)
    if name == "hidden_units" and value is not None:
        return "-".join(str(width) for width in value)
    if name == "max_categories" and value is None:
        # The first that keeps the whole vocabulary.
        larger = [each for each in _ENTRIES[name].domain.examples if each >= vocabulary]
        return larger[0] if larger else None
    return value
