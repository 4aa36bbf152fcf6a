"""The model that a candidate is compared with: the last one blessed before it."""

from __future__ import annotations

from ml_metadata import MetadataStore
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact


class PreviousBlessedModelStrategy(ResolverStrategy):
    """Resolve the newest blessed model that is older than the candidate.

    TFX's LatestBlessedModelStrategy also returns the candidate itself when a cached
    candidate was blessed by an earlier run. The Evaluator would then see another
    baseline than the first time, and run again although nothing had changed.

    Notes
    -----
    The inputs are `candidate` (one model), `model` (all models) and
    `model_blessing` (all blessings); the outputs keep these keys.
    """

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        candidate = max(artifact.id for artifact in input_dict["candidate"])
        blessings = {
            blessing.get_int_custom_property("current_model_id"): blessing
            for blessing in input_dict["model_blessing"]
            if blessing.get_int_custom_property("blessed") == 1
        }
        older = [m for m in input_dict["model"] if m.id < candidate and m.id in blessings]
        newest = max(older, key=lambda model: int(model.id), default=None)
        return {
            "candidate": input_dict["candidate"],
            "model": [newest] if newest else [],
            "model_blessing": [blessings[newest.id]] if newest else [],
        }
