"""The pipeline's components: one room each, all of the same shape."""

import os
import sys
import types

# Keras 2 (tf_keras) under everything: TFMOT, parameter servers and TF Lattice
# need it, and TensorFlow reads the switch once, when it is first imported.
os.environ["TF_USE_LEGACY_KERAS"] = "1"
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")


class _RecordBatchSQLSliceQuery:
    def __init__(self, *_: object) -> None:
        raise RuntimeError("Slices by SQL need ZetaSQL, which tfx-bsl no longer brings.")


# TensorFlow Data Validation 1.16 imports this module, which tfx-bsl 1.21 has dropped;
# it uses it only for slices by SQL. TFX puts a mock in its place, but only once TFX
# itself is imported.
_sql_util = types.ModuleType("tfx_bsl.arrow.sql_util")
_sql_util.RecordBatchSQLSliceQuery = _RecordBatchSQLSliceQuery  # type: ignore[attr-defined]
sys.modules.setdefault("tfx_bsl.arrow.sql_util", _sql_util)
