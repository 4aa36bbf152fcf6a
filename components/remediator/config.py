"""Settings of Remediator. Imports nothing heavy."""

from __future__ import annotations

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Discriminator, Field, field_validator, model_validator

from components.errors import InputError
from components.models.metric_names import METRIC_NAMES
from components.models.training_config import TrainingConfig
from components.naming import distinct, nearest
from components.settings import Settings

Gap = Literal[
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
]
Direction = Literal["increasing", "decreasing"]
#: Strengths in which a remedy is tried, each above 0.
Strengths = tuple[Annotated[float, Field(gt=0)], ...]


class _Check(Settings):
    """What the checks have in common."""

    @property
    def columns_named(self) -> tuple[str, ...]:
        """Raw columns that the check reads."""
        return ()

    @property
    def group_columns(self) -> tuple[str, ...]:
        """Those of them whose values are groups."""
        return ()


class SliceGap(_Check):
    """How much worse the model is on a part of the data than on all of it.

    Attributes
    ----------
    columns : tuple of str
        Columns whose every value, or crossing of values, is a slice; the worst counts.
    slice : dict or None
        One value of each of some columns, instead: a single slice.
    metric : str or None
        None takes the metric by which models of the task are compared: AUC, accuracy or root
        mean squared error.
    limit : float
        Greatest gap, in units of the metric.
    min_rows : int
        Rows below which a slice is not looked at.
    """

    check: Literal["slice_gap"] = "slice_gap"
    columns: tuple[str, ...] = ()
    slice: dict[str, str | int | float] | None = Field(default=None, min_length=1)
    metric: str | None = None
    limit: float = Field(gt=0)
    min_rows: int = Field(default=30, ge=1)

    @field_validator("metric")
    @classmethod
    def _metric_exists(cls, metric: str | None) -> str | None:
        if metric is not None and metric not in METRIC_NAMES:
            raise InputError(
                f"There is no metric {metric!r}{nearest(metric, METRIC_NAMES)}.",
                setting="remediator.checks.metric",
                expected=", ".join(METRIC_NAMES),
                got=metric,
            )
        if metric is not None and METRIC_NAMES[metric].better is None:
            raise InputError(
                f"No value of {metric} is better than another.",
                setting="remediator.checks.metric",
                got=metric,
            )
        return metric

    @model_validator(mode="after")
    def _names_slices(self) -> Self:
        if bool(self.columns) == (self.slice is not None):
            raise ValueError("a slice_gap has either columns or a slice")
        return self

    @property
    def columns_named(self) -> tuple[str, ...]:
        return self.columns or tuple(self.slice or ())

    @property
    def group_columns(self) -> tuple[str, ...]:
        return self.columns

    @property
    def title(self) -> str:
        """What is measured, for people."""
        metric = self.metric or "quality"
        if self.slice is not None:
            where = ", ".join(f"{name}={value}" for name, value in self.slice.items())
            return f"gap in {metric} where {where}"
        return f"gap in {metric} by {' and '.join(self.columns)}"


class FairnessGap(_Check):
    """How far rates of decisions differ between groups; for binary tasks.

    Attributes
    ----------
    column : str
        Sensitive column: each of its values is a group.
    gap : str
        See `components.fairness.gaps`.
    limit : float
        Greatest difference, or for ``demographic_parity_ratio`` the least ratio.
    min_group_size : int
        Rows below which a group does not count.
    """

    check: Literal["fairness_gap"] = "fairness_gap"
    column: str
    gap: Gap = "equal_opportunity_difference"
    limit: float = Field(ge=0, le=1)
    min_group_size: int = Field(default=30, ge=1)

    @property
    def columns_named(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def group_columns(self) -> tuple[str, ...]:
        return (self.column,)

    @property
    def title(self) -> str:
        """What is measured, for people."""
        return f"{self.gap.replace('_', ' ')} by {self.column}"


class Robustness(_Check):
    """How many rows stay right under attack; for classification by models with gradients.

    Attributes
    ----------
    eps : float
        Budget of the attack: of pixels as a share of their range; of tables in standard
        deviations of the numeric columns, which alone are changed.
    limit : float
        Least accuracy under projected gradient descent.
    max_rows : int
        Rows that are attacked, drawn by the seed from more.
    """

    check: Literal["robustness"] = "robustness"
    eps: float = Field(gt=0)
    limit: float = Field(gt=0, le=1)
    max_rows: int = Field(default=2000, ge=10)

    @property
    def title(self) -> str:
        """What is measured, for people."""
        return f"accuracy under attack, eps {self.eps:g}"


class Calibration(_Check):
    """How far scores are from probabilities; for classification.

    Attributes
    ----------
    limit : float
        Greatest expected calibration error; see `components.calibration`.
    bins : int
        Bins of equal mass.
    """

    check: Literal["calibration"] = "calibration"
    limit: float = Field(gt=0, lt=1)
    bins: int = Field(default=10, ge=2, le=1000)

    @property
    def title(self) -> str:
        """What is measured, for people."""
        return "expected calibration error"


class Monotonic(_Check):
    """How far the score goes against a direction that a column is known to have.

    Attributes
    ----------
    columns : dict of str to {"increasing", "decreasing"}
        Numeric columns. Of binary tasks it is the probability of the positive class that
        rises or falls with them.
    limit : float
        Longest way that the score may go against it between neighbouring values.
    """

    check: Literal["monotonic"] = "monotonic"
    columns: dict[str, Direction] = Field(min_length=1)
    limit: float = Field(default=0.0, ge=0)

    @property
    def columns_named(self) -> tuple[str, ...]:
        return tuple(self.columns)

    @property
    def title(self) -> str:
        """What is measured, for people."""
        return f"way against the direction of {' and '.join(self.columns)}"


Check = Annotated[
    SliceGap | FairnessGap | Robustness | Calibration | Monotonic, Discriminator("check")
]


class MinDiffRemedy(Settings):
    """Training on, with a penalty on the distance of two groups' scores (MinDiff).

    Attributes
    ----------
    weights : tuple of float
        Weights of the penalty, each of which is tried.
    """

    remedy: Literal["min_diff"] = "min_diff"
    weights: Strengths = Field(default=(0.3, 1.0, 3.0), min_length=1)


class ReweightingRemedy(Settings):
    """Training on, with rows of other weights.

    Attributes
    ----------
    powers : tuple of float
        Of a fairness gap: powers of the weights that make label and group independent. Below
        1 they do so in part, which often is enough where it is rates among equals that
        should be equal.
    factors : tuple of float
        Of a slice gap: weights of a bad slice's rows.
    """

    remedy: Literal["reweighting"] = "reweighting"
    powers: Strengths = Field(default=(0.25, 0.5, 1.0), min_length=1)
    factors: Strengths = Field(default=(2.0, 5.0), min_length=1)


class ResamplingRemedy(Settings):
    """Training on rows that are drawn anew, with the weights of ``reweighting``.

    Attributes
    ----------
    powers, factors : tuple of float
        As of `ReweightingRemedy`.
    """

    remedy: Literal["resampling"] = "resampling"
    powers: Strengths = Field(default=(0.25, 0.5, 1.0), min_length=1)
    factors: Strengths = Field(default=(2.0, 5.0), min_length=1)


class AdversarialTrainingRemedy(Settings):
    """Training on, with attacked rows.

    Attributes
    ----------
    steps : int
        Steps of the attack.
    shares : tuple of float
        Shares of each batch that are attacked, each of which is tried.
    """

    remedy: Literal["adversarial_training"] = "adversarial_training"
    steps: int = Field(default=5, ge=1, le=100)
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(0.5, 1.0), min_length=1
    )


class AugmentationRemedy(Settings):
    """Training on, with further rows that are made from those there are.

    Of a slice gap, rows between neighbours in the bad slice (SMOTE-NC), or moved images of it;
    for robustness, rows with noise as large as the attack's budget.

    Attributes
    ----------
    factors : tuple of float
        How many rows are made, as a multiple of the bad slice's, or of all.
    neighbours : int
        Of SMOTE-NC.
    """

    remedy: Literal["augmentation"] = "augmentation"
    factors: Strengths = Field(default=(1.0, 4.0), min_length=1)
    neighbours: int = Field(default=5, ge=1)


class MonotonicRemedy(Settings):
    """A lattice network that cannot go against the declared directions, in the model's place."""

    remedy: Literal["monotonic"] = "monotonic"


class GroupThresholdsRemedy(Settings):
    """A threshold of its own for each group, by which the model's scores are shifted.

    Attributes
    ----------
    shares : tuple of float
        How much of the way, in logits, from 0.5 to the thresholds that make the rates equal;
        each is tried.
    """

    remedy: Literal["group_thresholds"] = "group_thresholds"
    shares: tuple[Annotated[float, Field(gt=0, le=1)], ...] = Field(
        default=(0.5, 0.75, 1.0), min_length=1
    )


class RecalibrationRemedy(Settings):
    """Logits that are scaled so that scores become probabilities.

    Attributes
    ----------
    method : {"platt", "temperature"} or None
        A factor and, with ``platt``, an offset; None takes ``platt`` for two classes and
        ``temperature`` for more.
    """

    remedy: Literal["recalibration"] = "recalibration"
    method: Literal["platt", "temperature"] | None = None


Remedy = Annotated[
    MinDiffRemedy
    | ReweightingRemedy
    | ResamplingRemedy
    | AdversarialTrainingRemedy
    | AugmentationRemedy
    | MonotonicRemedy
    | GroupThresholdsRemedy
    | RecalibrationRemedy,
    Discriminator("remedy"),
]

#: Remedies, in the order in which they are tried, with the checks that each is for.
APT: dict[str, tuple[str, ...]] = {
    "group_thresholds": ("fairness_gap",),
    "min_diff": ("fairness_gap",),
    "reweighting": ("fairness_gap", "slice_gap"),
    "resampling": ("fairness_gap", "slice_gap"),
    "augmentation": ("slice_gap", "robustness"),
    "adversarial_training": ("robustness",),
    "monotonic": ("monotonic",),
    "recalibration": ("calibration",),
}
DEFAULTS: tuple[Remedy, ...] = (
    GroupThresholdsRemedy(),
    MinDiffRemedy(),
    ReweightingRemedy(),
    ResamplingRemedy(),
    AugmentationRemedy(),
    AdversarialTrainingRemedy(),
    MonotonicRemedy(),
    RecalibrationRemedy(),
)


class RemediatorConfig(Settings):
    """Which checks the Trainer's model must pass, and what is tried where it does not.

    Attributes
    ----------
    checks : tuple of Check
        At least one: ``slice_gap``, ``fairness_gap``, ``robustness``, ``calibration`` or
        ``monotonic``, by the key ``check``.
    remedies : tuple of Remedy or None
        By the key ``remedy``, or by name alone; each is tried for the failed checks that it is
        for. None tries all.
    split : str
        Split on which the checks are measured. Its rows are drawn by the seed into two
        parts: by one thresholds and the like are fitted and strengths chosen, on the other
        all is measured before and after.
    tuning_share : float
        Share of the first part.
    max_rows : int
        Rows of the split that are looked at, drawn by the seed from more.
    epochs : int
        Passes over the train split of a remedy that trains on.
    seconds : float
        Time budget of each remedy: it ends there with what it has, and what is left out is
        said. One training on attacked rows is not cut off.
    seed : int
    """

    USES: ClassVar[tuple[str, ...]] = (
        "models",
        "attacks/ascent.py",
        "attacks/adversarial_training.py",
        "calibration.py",
        "fairness.py",
    )
    LIBRARIES: ClassVar[tuple[str, ...]] = (
        "tensorflow",
        "tf-keras",
        "tensorflow-lattice",
        "tensorflow-model-remediation",
        "scikit-learn",
        "scipy",
    )

    checks: tuple[Check, ...]
    remedies: tuple[Remedy, ...] | None = Field(default=None, min_length=1)
    split: str = "eval"
    tuning_share: float = Field(default=0.5, gt=0, lt=1)
    max_rows: int = Field(default=50_000, ge=20)
    epochs: int = Field(default=8, ge=1)
    seconds: float = Field(default=120.0, gt=0)
    seed: int = Field(default=1, ge=0, lt=2**31)
    #: How the model was trained; the pipeline fills it in.
    training: TrainingConfig | None = None

    @field_validator("remedies", mode="before")
    @classmethod
    def _names_alone(cls, remedies: Any) -> Any:
        if not isinstance(remedies, list | tuple):
            return remedies
        told = [{"remedy": each} if isinstance(each, str) else each for each in remedies]
        for each in told:
            name = each.get("remedy") if isinstance(each, dict) else each.remedy
            if name not in APT:
                raise InputError(
                    f"There is no remedy {name!r}{nearest(str(name), APT)}.",
                    setting="remediator.remedies",
                    expected=", ".join(APT),
                    got=name,
                )
        return told

    @field_validator("checks", mode="before")
    @classmethod
    def _checks_exist(cls, checks: Any) -> Any:
        if isinstance(checks, list | tuple):
            for each in checks:
                name = each.get("check") if isinstance(each, dict) else each.check
                if name not in _CHECKS:
                    raise InputError(
                        f"There is no check {name!r}{nearest(str(name), _CHECKS)}.",
                        setting="remediator.checks",
                        expected=", ".join(_CHECKS),
                        got=name,
                    )
        return checks

    @field_validator("checks")
    @classmethod
    def _has_a_check(cls, checks: tuple[Check, ...]) -> tuple[Check, ...]:
        if not checks:
            raise InputError(
                "There is no check that a remedy could be for.",
                setting="remediator.checks",
                expected="at least one of " + ", ".join(_CHECKS),
                got="none",
                remedy="Declare a check, or leave the node out with remediator: null.",
            )
        return checks

    @model_validator(mode="after")
    def _remedies_are_apt(self) -> Self:
        names = [each.remedy for each in self.remedies or ()]
        for name in names:
            kinds = {check.check for check in self.checks}
            if not kinds & set(APT[name]):
                raise InputError(
                    f"The remedy {name} is for none of the checks.",
                    setting="remediator.remedies",
                    expected=f"a check {' or '.join(APT[name])}",
                    got=", ".join(sorted(kinds)),
                    remedy="Remove the remedy, or declare such a check.",
                )
        if len(set(names)) < len(names):
            raise ValueError("each remedy once")
        return self

    @property
    def own_functions(self) -> tuple[str, ...]:
        path = self.training.build_model if self.training else None
        return () if path is None else (path,)

    def named_checks(self) -> dict[str, Check]:
        """Return the checks by names that can be those of files."""
        names = distinct(
            [f"{index} {_about(check)}" for index, check in enumerate(self.checks)],
            lambda text: re.sub(r"[^A-Za-z0-9]+", "_", text.partition(" ")[2]).strip("_"),
        )
        return dict(zip(names.values(), self.checks, strict=True))


_CHECKS = ("slice_gap", "fairness_gap", "robustness", "calibration", "monotonic")


def _about(check: Check) -> str:
    kind = check.check
    if isinstance(check, FairnessGap):
        kind = check.gap.removesuffix("_difference")  # type: ignore[assignment]
    return " ".join([kind, *check.columns_named])
