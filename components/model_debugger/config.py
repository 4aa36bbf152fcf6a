"""Settings of ModelDebugger."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from components.model_debugger.adversarial.config import AdversarialConfig
from components.model_debugger.benchmark_models.config import BenchmarkModelsConfig
from components.model_debugger.privacy.config import PrivacyConfig
from components.model_debugger.residuals.config import ResidualsConfig
from components.model_debugger.sensitivity.config import SensitivityConfig
from components.settings import Settings


class ModelDebuggerConfig(Settings):
    """What is looked into of the Trainer's model, and how long.

    Attributes
    ----------
    benchmark_models : BenchmarkModelsConfig or None
        Simple models, trained beside it and scored by the Evaluator like it.
    residuals : ResidualsConfig or None
    sensitivity : SensitivityConfig or None
    adversarial : AdversarialConfig or None
    privacy : PrivacyConfig or None
        Sections; None leaves one out.
    split : str
        Split on whose rows the model is looked into.
    max_rows : int
        Rows that are looked at, drawn by the seed from more.
    seconds : float
        Time budget of each section: between its passes it leaves out the rest, and says so.
    seed : int
    """

    USES: ClassVar[tuple[str, ...]] = ("models", "attacks")
    LIBRARIES: ClassVar[tuple[str, ...]] = (
        "tensorflow",
        "tf-keras",
        "scikit-learn",
        "imodels",
        "tensorflow-lattice",
        "cleverhans",
        "foolbox",
        "adversarial-robustness-toolbox",
        "scipy",
    )

    benchmark_models: BenchmarkModelsConfig | None = BenchmarkModelsConfig()
    residuals: ResidualsConfig | None = ResidualsConfig()
    sensitivity: SensitivityConfig | None = SensitivityConfig()
    adversarial: AdversarialConfig | None = AdversarialConfig()
    privacy: PrivacyConfig | None = PrivacyConfig()
    split: str = "eval"
    max_rows: int = Field(default=20_000, ge=10)
    seconds: float = Field(default=60.0, gt=0)
    seed: int = Field(default=1, ge=0, lt=2**31)
