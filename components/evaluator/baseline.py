"""The model that candidates are compared with: the last one blessed before them."""

from __future__ import annotations

from ml_metadata import MetadataStore
from tfx.dsl.components.common.resolver import ResolverStrategy
from tfx.types.artifact import Artifact

#: Custom properties of a blessing: where the Evaluator put the model that it blessed, and the
#: newest artifact among the candidates.
BLESSED_URI, NEWEST_CANDIDATE = "blessed_model", "newest_candidate_id"
#: Inputs of the strategy besides the candidates.
BASELINE, BLESSING = "baseline", "model_blessing"


class PreviousBlessedModelStrategy(ResolverStrategy):
    """Resolve the newest blessed model that was blessed among older candidates.

    TFX's LatestBlessedModelStrategy also returns the candidate itself when a cached
    candidate was blessed by an earlier run. The Evaluator would then see another
    baseline than the first time, and run again although nothing had changed.

    Notes
    -----
    The inputs are the candidates, under any names, `baseline` (all models) and
    `model_blessing` (all blessings); the outputs keep these keys.
    """

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[Artifact]]
    ) -> dict[str, list[Artifact]]:
        others = {name for name in input_dict if name not in (BASELINE, BLESSING)}
        newest = max(artifact.id for name in others for artifact in input_dict[name])
        models = {model.uri: model for model in input_dict[BASELINE]}
        earlier = [
            blessing
            for blessing in input_dict[BLESSING]
            if blessing.get_int_custom_property("blessed") == 1
            and blessing.get_int_custom_property(NEWEST_CANDIDATE) < newest
            and blessing.get_string_custom_property(BLESSED_URI) in models
        ]
        last = max(earlier, key=lambda blessing: int(blessing.id), default=None)
        found = [models[last.get_string_custom_property(BLESSED_URI)]] if last else []
        return {
            **{name: input_dict[name] for name in others},
            BASELINE: found,
            BLESSING: [last] if last else [],
        }
