"""Models that a user's own function builds."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import tf_keras

from components import dotted
from components.errors import InputError

if TYPE_CHECKING:
    from components.models.transformed import Features


def build(path: str, *arguments: Any, setting: str, **optional: Any) -> tf_keras.Model:
    """Call a user's function and return its model.

    Parameters
    ----------
    path : str
        Dotted path of the function.
    *arguments
        What it takes.
    setting : str
        Dotted key of the config that holds `path`, for the error.
    **optional
        What it takes if it has a parameter of that name.

    Raises
    ------
    InputError
        If there is no such function, or it returns no tf_keras model.
    """
    function = dotted.resolve(path, setting=setting)
    wanted = inspect.signature(function).parameters
    model = function(*arguments, **{name: optional[name] for name in optional if name in wanted})
    if not isinstance(model, tf_keras.Model):
        raise InputError(
            f"{path} does not return a model.",
            setting=setting,
            expected="a tf_keras.Model",
            got=type(model).__name__,
        )
    return model


def ask(path: str, hyperparameters: Any, features: Features) -> tf_keras.Model:
    """Call ``build_model(hp)`` or ``build_model(hp, features)``, which asks for its values.

    Parameters
    ----------
    path : str
    hyperparameters : keras_tuner.HyperParameters
        Answers with the values that it has, and gains all else that is asked for.
    features : Features
    """
    return build(path, hyperparameters, setting="tuner.build_model", features=features)


def build_searched(path: str, values: Mapping[str, Any], features: Features) -> tf_keras.Model:
    """Return the model that a user's function builds of the values that a search found."""
    import keras_tuner  # late: it takes seconds, and most models do without

    hyperparameters = keras_tuner.HyperParameters()
    hyperparameters.values = dict(values)
    return ask(path, hyperparameters, features)
