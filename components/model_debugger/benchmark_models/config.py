"""Settings of the benchmark models."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from components.errors import InputError
from components.naming import nearest
from components.settings import Settings

#: The models, from the cheapest to train to the dearest: `components.model_debugger.
#: benchmark_models.fitting` holds the same names. Here, because reading a config imports no
#: TensorFlow.
NAMES = (
    "majority",
    "linear",
    "decision_tree",
    "nearest_neighbours",
    "boosted_trees",
    "lattice",
    "rulefit",
)


def title(name: str) -> str:
    """Return what a benchmark model is called for people."""
    return "RuleFit" if name == "rulefit" else name.replace("_", " ")


class BenchmarkModelsConfig(Settings):
    """Which simple models are trained beside the model, and how.

    Attributes
    ----------
    models : tuple of str
        Names of `NAMES`, each once.
    monotonic : dict of str to {"increasing", "decreasing"}
        Numeric columns with which the prediction may only rise, or only fall; the lattice
        obeys. Of binary tasks it is the probability of the positive class.
    neighbours : int
        Rows that nearest neighbours asks.
    max_rows : int
        Training rows that a model is given at most; they are drawn by the seed.
    max_anchors : int
        The same of nearest neighbours, which keeps them all.
    max_rules_rows : int
        The same of RuleFit, which fits its rules many times over.
    max_rules : int
        Terms of RuleFit: rules, and columns that it takes as they are.
    """

    models: tuple[str, ...] = NAMES
    monotonic: dict[str, Literal["increasing", "decreasing"]] = Field(default_factory=dict)
    neighbours: int = Field(default=25, ge=1)
    max_rows: int = Field(default=50_000, ge=10)
    max_anchors: int = Field(default=10_000, ge=10)
    max_rules_rows: int = Field(default=4_000, ge=10)
    max_rules: int = Field(default=30, ge=1)

    @model_validator(mode="after")
    def _check_models(self) -> Self:
        setting = "debugger.benchmark_models.models"
        for name in self.models:
            if name not in NAMES:
                raise InputError(
                    f"There is no benchmark model {name!r}{nearest(name, NAMES)}.",
                    setting=setting,
                    expected="some of " + ", ".join(NAMES),
                    got=name,
                )
        if not self.models or len(set(self.models)) < len(self.models):
            raise InputError(
                "The benchmark models must be named, each once.",
                setting=setting,
                expected="some of " + ", ".join(NAMES),
                got=", ".join(self.models) or "none",
                remedy="Set debugger.benchmark_models to null to train none.",
            )
        return self
