"""Functions that a config names by their dotted path."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Callable
from typing import Any

from components import files
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


def source_digest(path: str) -> str | None:
    """Return the SHA-256 of the module of a function, or None if there is none.

    It imports the module's parents, but not the module. One that is missing is
    reported by whoever resolves the function, who knows the setting.
    """
    try:
        spec = importlib.util.find_spec(path.rpartition(".")[0])
    except (ImportError, ValueError):
        return None
    return files.file_digest(spec.origin) if spec is not None and spec.origin else None
