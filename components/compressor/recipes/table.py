"""All recipes, by name; adding one is one file and one line, and its stage in the config."""

from __future__ import annotations

from components.compressor.recipes import (
    deep_compression,
    lottery_ticket,
    magnitude_pruning,
    post_training,
    pruning_2_4,
    quantization_aware_training,
    structured_pruning,
    weight_clustering,
)
from components.compressor.recipes.base import Recipe

RECIPES: dict[str, Recipe] = {
    "structured_pruning": structured_pruning.RECIPE,
    "pruning": magnitude_pruning.RECIPE,
    "pruning_2_4": pruning_2_4.RECIPE,
    "lottery_ticket": lottery_ticket.RECIPE,
    "deep_compression": deep_compression.RECIPE,
    "clustering": weight_clustering.RECIPE,
    "quantization_aware_training": quantization_aware_training.RECIPE,
    **post_training.RECIPES,
}
