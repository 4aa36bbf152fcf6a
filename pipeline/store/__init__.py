"""The read side of ML Metadata: runs, nodes' executions, artifacts and their lineage.

It imports neither TFX nor TensorFlow, so that a look at the store costs no seconds.
"""

from pipeline.store.comparison import Comparison, NodeDifference
from pipeline.store.records import Artifact, Event, Execution, Lineage, Run
from pipeline.store.store import Store

__all__ = [
    "Artifact",
    "Comparison",
    "Event",
    "Execution",
    "Lineage",
    "NodeDifference",
    "Run",
    "Store",
]
