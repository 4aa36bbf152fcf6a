"""The strategies by their names."""

from __future__ import annotations

from typing import Any

from components.models.distribution.base import Strategy
from components.models.distribution.mirrored import Mirrored
from components.models.distribution.model_parallel import ModelParallel
from components.models.distribution.multi_worker_mirrored import MultiWorkerMirrored
from components.models.distribution.parameter_server import ParameterServer
from components.models.distribution.pipelined import GPipe

#: Those that train outside the Trainer's process; ``one_device`` needs none.
STRATEGIES: dict[str, type[Strategy[Any]]] = {
    "mirrored": Mirrored,
    "multi_worker_mirrored": MultiWorkerMirrored,
    "parameter_server": ParameterServer,
    "model_parallel": ModelParallel,
    "gpipe": GPipe,
}
