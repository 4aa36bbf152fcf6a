"""What TensorFlow and TFX need around their imports, and what they can do without."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import sys
import types
from collections.abc import Iterator
from pathlib import Path


def apply() -> None:
    """Put everything in place; imports nothing heavy, and does no harm twice."""
    _choose_keras()
    _stand_in_for_sql_slices()


def _choose_keras() -> None:
    # Keras 2 (tf_keras) under everything: TFMOT, parameter servers and TF Lattice
    # need it, and TensorFlow reads the switch once, when it is first imported.
    os.environ["TF_USE_LEGACY_KERAS"] = "1"
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class _RecordBatchSQLSliceQuery:
    def __init__(self, *_: object) -> None:
        raise RuntimeError("Slices by SQL need ZetaSQL, which tfx-bsl no longer brings.")


def _stand_in_for_sql_slices() -> None:
    # TensorFlow Data Validation 1.16 imports this module, which tfx-bsl 1.21 has
    # dropped; it uses it only for slices by SQL. TFX puts a mock in its place, but only
    # once TFX itself is imported.
    module = types.ModuleType("tfx_bsl.arrow.sql_util")
    module.RecordBatchSQLSliceQuery = _RecordBatchSQLSliceQuery  # type: ignore[attr-defined]
    sys.modules.setdefault(module.__name__, module)


@contextlib.contextmanager
def without_stock_components() -> Iterator[None]:
    """Import TFX inside the block without all of its own components.

    TFX's launcher takes two constants from a package whose ``__init__`` imports every
    stock component, and with them Keras 3, Kubernetes and TFMA: more than a second. In
    the block that ``__init__`` does not run, though single modules of the package can be
    imported; after the block the package is as always.
    """
    name = "tfx.components"
    tfx = importlib.util.find_spec("tfx")
    if name in sys.modules or tfx is None or not tfx.submodule_search_locations:
        yield
        return
    package = types.ModuleType(name)
    package.__path__ = [str(Path(tfx.submodule_search_locations[0]) / "components")]
    sys.modules[name] = package
    try:
        yield
    finally:
        del sys.modules[name]
