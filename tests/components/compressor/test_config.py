"""Settings of the Compressor: what makes no sense is refused with what to do."""

from __future__ import annotations

import pytest

from components.compressor.config import DEFAULT_CHAINS, STAGES, CompressorConfig, check_chain
from components.compressor.recipes.table import RECIPES
from components.errors import InputError


def test_the_config_knows_the_recipes_of_the_table():
    assert {name: recipe.stage for name, recipe in RECIPES.items()} == STAGES


@pytest.mark.parametrize("chain", DEFAULT_CHAINS)
def test_default_chains_make_sense(chain):
    assert "+".join(check_chain(chain)) == chain


@pytest.mark.parametrize(
    ("chain", "said"),
    [
        ("prunning", "nearest: pruning"),
        ("int8+pruning", "pruning cannot come after int8"),
        ("pruning+lottery_ticket", "both prune the same weights"),
        ("pruning+pruning", "both prune the same weights"),
        ("int8+float16", "keeps its numbers in one way"),
        ("clustering+structured_pruning", "undo or waste"),
        ("quantization_aware_training", "int8 after quantization_aware_training"),
        ("quantization_aware_training+float16", "int8 after quantization_aware_training"),
        ("deep_compression+clustering+int8", "clusters the weights itself"),
        ("", "no recipe ''"),
    ],
)
def test_chains_that_make_no_sense(chain, said):
    with pytest.raises(InputError) as error:
        CompressorConfig(chains=(chain,))
    assert said in str(error.value)
    assert "compressor.chains" in str(error.value)


@pytest.mark.parametrize(
    ("space", "said"),
    [
        ({"pruning.sparsty": [0.5]}, "nearest: pruning.sparsity"),
        ({"pruning.sparsity": []}, "nothing to try"),
        ({"pruning.sparsity": [0.5, 1.0]}, "less than 1"),
        ({"clustering.clusters": ["many"]}, "valid integer"),
    ],
)
def test_spaces_that_make_no_sense(space, said):
    with pytest.raises(InputError) as error:
        CompressorConfig(space=space)
    assert said in str(error.value)
    assert f"compressor.space.{next(iter(space))}" in str(error.value)


def test_a_drop_on_slices_needs_slices():
    with pytest.raises(InputError, match=r"compressor\.slices"):
        CompressorConfig(constraint={"max_slice_drop": 0.01})
    CompressorConfig(constraint={"max_slice_drop": 0.01}, slices=("zone",))


def test_settings_are_replaced_for_a_point():
    config = CompressorConfig()
    found = config.recipes_with({"pruning.sparsity": 0.9, "fine_tuning.epochs": 2})
    assert (found.pruning.sparsity, found.fine_tuning.epochs) == (0.9, 2)
    assert found.pruning.schedule == config.recipes.pruning.schedule
    assert config.recipes.pruning.sparsity != 0.9
