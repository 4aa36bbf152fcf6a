"""Quantization after training: how the TF Lite file keeps a model's numbers.

``dynamic_range``
    Kernels of 1,024 weights and more as 8-bit integers; the others, tables of embeddings and
    all activations stay float.
``float16``
    Weights in half precision.
``int8``
    Weights and activations as 8-bit integers, by ranges measured on some rows of the train split
    [Jacob et al. 2018].
``int16x8``
    Weights as 8-bit, activations as 16-bit integers.
"""

from __future__ import annotations

from components.compressor import conversion
from components.compressor.recipes.base import CONVERT, Conversion, Draft, Recipe, Work
from components.errors import InputError

TITLES: dict[Conversion, str] = {
    "dynamic_range": "8-bit weights",
    "float16": "16-bit floats",
    "int8": "8-bit integers",
    "int16x8": "8-bit weights, 16-bit activations",
}


def _recipe(name: Conversion) -> Recipe:
    def apply(draft: Draft, work: Work) -> Draft:
        if name != "int8" and conversion.trained_for_int8(draft.model):
            raise InputError(
                f"A model that is trained for 8-bit integers cannot become {name}.",
                setting="compressor.recipes",
                expected="int8 after quantization_aware_training",
                got=name,
                remedy="Put int8 in its place, or leave quantization_aware_training out.",
            )
        return draft.after(name, conversion=name)

    return Recipe(CONVERT, apply, TITLES[name])


RECIPES = {name: _recipe(name) for name in TITLES}
