"""Settings of Explainer. Imports nothing heavy."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import Field, field_validator, model_validator

from components.errors import InputError
from components.explainer.ale.config import AleConfig
from components.explainer.anchors.config import AnchorsConfig
from components.explainer.counterfactuals.config import CounterfactualsConfig
from components.explainer.grad_cam.config import GradCamConfig
from components.explainer.integrated_gradients.config import IntegratedGradientsConfig
from components.explainer.lime.config import LimeConfig
from components.explainer.partial_dependence.config import PartialDependenceConfig
from components.explainer.permutation_importance.config import PermutationImportanceConfig
from components.explainer.quality.config import QualityConfig
from components.explainer.shapley.config import ShapleyConfig
from components.explainer.smooth_grad.config import SmoothGradConfig
from components.explainer.surrogates.config import SurrogatesConfig
from components.explainer.tcav.config import TcavConfig
from components.explainer.xrai.config import XraiConfig
from components.models import candidates
from components.naming import nearest
from components.settings import Settings


class ExplainerConfig(Settings):
    """Which model is explained, on which rows, and by which methods.

    Attributes
    ----------
    candidate : str
        Name of a model, such as ``trained``, ``compressed`` or ``benchmark/decision_tree``.
    split : str
        Split whose rows are explained.
    rows : int
        Rows that are explained, drawn by the seed from more.
    background : int
        Rows of the train split that stand for what is usual, drawn alike.
    groups : dict of str to tuple of str
        Features that are made of several columns, such as one-hot columns, by name; every other
        column is a feature by itself.
    link : {"probability", "log_odds"}
        Scale on which a classifier is explained.
    seconds : float
        Time budget of each method: between its passes it leaves out the rest, and says so.
    seed : int
    permutation_importance, shapley, partial_dependence, ale, lime, anchors, counterfactuals,
    surrogates, integrated_gradients, smooth_grad, xrai, grad_cam, tcav, quality
        Settings of each method; None leaves one out.
    """

    USES: ClassVar[tuple[str, ...]] = ("models", "attacks")
    LIBRARIES: ClassVar[tuple[str, ...]] = (
        "tensorflow",
        "tf-keras",
        "scikit-learn",
        "scikit-image",
        "scipy",
        "imodels",
    )

    candidate: str = candidates.TRAINED
    split: str = "eval"
    rows: int = Field(default=1000, ge=1)
    background: int = Field(default=1000, ge=2)
    groups: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    link: Literal["probability", "log_odds"] = "probability"
    seconds: float = Field(default=30.0, gt=0)
    seed: int = Field(default=1, ge=0, lt=2**31)
    permutation_importance: PermutationImportanceConfig | None = PermutationImportanceConfig()
    shapley: ShapleyConfig | None = ShapleyConfig()
    partial_dependence: PartialDependenceConfig | None = PartialDependenceConfig()
    ale: AleConfig | None = AleConfig()
    lime: LimeConfig | None = LimeConfig()
    anchors: AnchorsConfig | None = AnchorsConfig()
    counterfactuals: CounterfactualsConfig | None = CounterfactualsConfig()
    surrogates: SurrogatesConfig | None = SurrogatesConfig()
    integrated_gradients: IntegratedGradientsConfig | None = IntegratedGradientsConfig()
    smooth_grad: SmoothGradConfig | None = SmoothGradConfig()
    xrai: XraiConfig | None = XraiConfig()
    grad_cam: GradCamConfig | None = GradCamConfig()
    tcav: TcavConfig | None = TcavConfig()
    quality: QualityConfig | None = QualityConfig()

    @field_validator("candidate")
    @classmethod
    def _candidate_exists(cls, candidate: str) -> str:
        group = candidates.group_of(candidate)
        single = candidate in candidates.SINGLE.values()
        if not single and (group == candidate or group not in candidates.SEVERAL.values()):
            raise InputError(
                f"There is no candidate {candidate!r}{nearest(candidate, candidates.GROUPS)}.",
                setting="explainer.candidate",
                expected="trained, distilled, compressed, or such as benchmark/linear",
                got=candidate,
            )
        return candidate

    @model_validator(mode="after")
    def _columns_once(self) -> Self:
        named = [column for columns in self.groups.values() for column in columns]
        if len(set(named)) < len(named) or not all(self.groups.values()):
            raise InputError(
                "Each column is in one feature at most, and no feature is without a column.",
                setting="explainer.groups",
                got=", ".join(f"{name}: {list(c)}" for name, c in self.groups.items()),
            )
        return self
