"""Functions that a config names by their dotted path."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from components.errors import InputError


def resolve(path: str, *, setting: str) -> Callable[..., Any]:
    """Return the function at a dotted path.

    Parameters
    ----------
    path : str
        ``package.module.function``.
    setting : str
        Dotted key of the config that holds `path`, for the error.

    Raises
    ------
    InputError
        If there is no such function.
    """
    module, _, name = path.rpartition(".")
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise InputError(
            f"There is no function {path!r}: {error}.",
            setting=setting,
            expected="a dotted path such as my_package.my_module.my_function",
        ) from error
    if not callable(function):
        raise InputError(f"{path!r} is no function.", setting=setting, got=type(function).__name__)
    result: Callable[..., Any] = function
    return result
