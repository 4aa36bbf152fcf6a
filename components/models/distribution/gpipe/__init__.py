"""Pipeline parallelism: a model cut into stages that work on micro-batches at the same time."""

from components.models.distribution.gpipe.costs import LayerCost
from components.models.distribution.gpipe.partitioning import partition
from components.models.distribution.gpipe.pipeline import (
    GPipe,
    Partition,
    Statistics,
    check_batch,
)
from components.models.distribution.gpipe.schedule import Timeline, bubble_share, simulate

__all__ = [
    "GPipe",
    "LayerCost",
    "Partition",
    "Statistics",
    "Timeline",
    "bubble_share",
    "check_batch",
    "partition",
    "simulate",
]
