"""Settings of Evaluator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from components.errors import InputError
from components.models import candidates
from components.models.metric_names import METRIC_NAMES
from components.naming import nearest
from components.settings import Settings

#: Gaps between groups; see `components.fairness.gaps`.
GAPS = (
    "demographic_parity_difference",
    "demographic_parity_ratio",
    "equal_opportunity_difference",
    "equalized_odds_difference",
)

#: Columns whose every value (or crossing of values) is a slice, or one value of each
#: of the named columns. The empty tuple is all rows.
Slice = tuple[str, ...] | dict[str, str | int | float]


#: A `Threshold.min_gain` that any model keeps which is better at all.
BEATS = 1e-12


class Threshold(Settings):
    """Bounds on one metric.

    Attributes
    ----------
    min, max : float or None
        Bounds on the candidate's value, in units of the metric.
    max_drop, max_rise : float or None
        By how much a candidate may be below or above the last blessed model, in units of
        the metric. Not checked while there is none.
    min_gain : float or None
        By how much a candidate must be better than the last blessed model: above it, or below
        where lower is better. Of 0 a tie is enough; see `BEATS`. Not checked while there is none.
    slices : tuple of Slice
        Where the bounds hold, each value of a column by itself; by default on all
        rows together.
    """

    min: float | None = None
    max: float | None = None
    max_drop: float | None = Field(default=None, ge=0)
    max_rise: float | None = Field(default=None, ge=0)
    min_gain: float | None = Field(default=None, ge=0)
    slices: tuple[Slice, ...] = Field(default=((),), min_length=1)

    @field_validator("slices", mode="before")
    @classmethod
    def _single_columns(cls, slices: Any) -> Any:
        return _with_single_columns(slices)

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Threshold:
        if {self.min, self.max, self.max_drop, self.max_rise, self.min_gain} == {None}:
            raise ValueError("at least one of min, max, max_drop, max_rise and min_gain")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min <= max, but {self.min} > {self.max}")
        return self


class BlessingRule(Settings):
    """Which of the models that keep all thresholds is blessed.

    Attributes
    ----------
    rule : {"trained", "best", "smallest"}
        ``trained``: the Trainer's model and no other. ``best``: the best value of `metric`.
        ``smallest``: the fewest bytes among those that are at most `tolerance` worse than the
        best.
    metric : str or None
        None takes the metric by which models of the task are compared: AUC, accuracy or root
        mean squared error.
    tolerance : float
        In units of the metric.
    among : tuple of str or None
        Candidates, or groups of them such as ``benchmark``; None is all.
    """

    rule: Literal["trained", "best", "smallest"] = "trained"
    metric: str | None = None
    tolerance: float = Field(default=0.0, ge=0)
    among: tuple[str, ...] | None = Field(default=None, min_length=1)

    @field_validator("among")
    @classmethod
    def _candidates_exist(cls, among: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in among or ():
            if candidates.group_of(name) not in candidates.GROUPS:
                raise InputError(
                    f"There is no candidate {name!r}{nearest(name, candidates.GROUPS)}.",
                    setting="evaluator.blessing.among",
                    expected=", ".join(candidates.GROUPS),
                    got=name,
                )
        return among

    @field_validator("metric")
    @classmethod
    def _metric_exists(cls, metric: str | None) -> str | None:
        if metric is not None:
            _check_metrics((metric,), "evaluator.blessing.metric")
            if METRIC_NAMES[metric].better is None:
                raise InputError(
                    f"No value of {metric} is better than another.",
                    setting="evaluator.blessing.metric",
                    got=metric,
                )
        return metric

    @model_validator(mode="after")
    def _settings_fit_the_rule(self) -> BlessingRule:
        if self.rule != "smallest" and self.tolerance:
            raise ValueError(f"a tolerance only with the rule smallest, not {self.rule}")
        if self.rule == "trained" and self.among is not None:
            raise ValueError("`among` only with the rules best and smallest")
        return self


class WorstSlices(Settings):
    """The search for slices on which a model fails; see `components.slice_search`.

    Attributes
    ----------
    degree : int
        Columns that a slice may cross.
    share : float
        Least part of the rows that a slice holds.
    top : int
        Slices that are listed.
    alpha : float
        False discovery rate.
    max_rows : int
        Rows that are searched, drawn by the seed from more.
    columns : tuple of str or None
        None searches all features.
    """

    degree: int = Field(default=2, ge=1, le=3)
    share: float = Field(default=0.01, gt=0, lt=0.5)
    top: int = Field(default=10, ge=1)
    alpha: float = Field(default=0.05, gt=0, lt=1)
    max_rows: int = Field(default=50_000, ge=100)
    columns: tuple[str, ...] | None = Field(default=None, min_length=1)


class Fairness(Settings):
    """Groups between which rates are compared; for binary tasks.

    Attributes
    ----------
    columns : tuple of str
        Sensitive columns: each of their values is a group.
    threshold : float
        Score from which a decision is positive.
    limits : dict of str to float
        Bounds on gaps: the greatest difference, or for ``demographic_parity_ratio`` the
        least ratio. A model that breaks one is not blessed.
    min_group_size : int
        Rows below which a group counts in no gap.
    """

    columns: tuple[str, ...] = Field(min_length=1)
    threshold: float = Field(default=0.5, gt=0, lt=1)
    limits: dict[str, float] = Field(default={})
    min_group_size: int = Field(default=30, ge=1)

    @field_validator("limits")
    @classmethod
    def _gaps_exist(cls, limits: dict[str, float]) -> dict[str, float]:
        for name, limit in limits.items():
            if name not in GAPS:
                raise InputError(
                    f"There is no gap {name!r}{nearest(name, GAPS)}.",
                    setting="evaluator.fairness.limits",
                    expected=", ".join(GAPS),
                    got=name,
                )
            if not 0 <= limit <= 1:
                raise ValueError(f"limits between 0 and 1, but {name} has {limit}")
        return limits


class EvaluatorConfig(Settings):
    """What is measured, where, and what a model must reach to be blessed.

    Attributes
    ----------
    metrics : tuple of str or None
        Names from `METRIC_NAMES`; None takes the usual ones of the task.
    slices : tuple of Slice
        Parts of the data on which every metric is also computed. A row without a
        value in a slice's column belongs to no slice of that column.
    thresholds : dict of str to tuple of Threshold
        Bounds by metric. Only a model that keeps them all can be blessed.
    confidence_intervals : bool
        Whether a 95 % interval is computed for each metric.
    replicates : int
        Bootstrap replicates behind each interval. Beam has TFMA's own method, which
        has no such setting.
    seed : int
        Seed of the bootstrap and of samples.
    split : str
        Split of the examples that is scored.
    min_slice_size : int
        Rows below which a slice is listed without metrics and not judged. A column of
        many rare values gives many slices; raise this to keep them out.
    blessing : BlessingRule
    worst_slices : WorstSlices or None
        None searches for none.
    fairness : Fairness or None
    calibration_bins : int
        Bins of equal mass in which scores are held against labels.
    """

    USES: ClassVar[tuple[str, ...]] = ("models",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow-model-analysis",)

    metrics: tuple[str, ...] | None = Field(default=None, min_length=1)
    slices: tuple[Slice, ...] = ()
    thresholds: dict[str, tuple[Threshold, ...]] = Field(default={})
    confidence_intervals: bool = True
    replicates: int = Field(default=200, ge=2, le=100_000)
    seed: int = Field(default=1, ge=0, lt=2**31)
    split: str = "test"
    min_slice_size: int = Field(default=1, ge=1)
    blessing: BlessingRule = BlessingRule()
    worst_slices: WorstSlices | None = WorstSlices()
    fairness: Fairness | None = None
    calibration_bins: int = Field(default=10, ge=2, le=1000)

    @field_validator("slices", mode="before")
    @classmethod
    def _single_columns(cls, slices: Any) -> Any:
        return _with_single_columns(slices)

    @field_validator("thresholds", mode="before")
    @classmethod
    def _single_thresholds(cls, thresholds: Any) -> Any:
        if not isinstance(thresholds, dict):
            return thresholds
        return {
            metric: value if isinstance(value, list | tuple) else (value,)
            for metric, value in thresholds.items()
        }

    @field_validator("metrics")
    @classmethod
    def _metrics_exist(cls, metrics: tuple[str, ...] | None) -> tuple[str, ...] | None:
        _check_metrics(metrics or (), "evaluator.metrics")
        return metrics

    @field_validator("thresholds")
    @classmethod
    def _thresholds_fit_metrics(
        cls, thresholds: dict[str, tuple[Threshold, ...]]
    ) -> dict[str, tuple[Threshold, ...]]:
        _check_metrics(thresholds, "evaluator.thresholds")
        for metric, bounds in thresholds.items():
            better = METRIC_NAMES[metric].better
            wrong, right = {
                "higher": ("max_rise", "max_drop"),
                "lower": ("max_drop", "max_rise"),
                None: ("", ""),
            }[better]
            if better is None and any(bound.min_gain is not None for bound in bounds):
                raise InputError(
                    f"No value of {metric} is better than another.",
                    setting=f"evaluator.thresholds.{metric}.min_gain",
                    remedy="Use min, max, max_drop or max_rise.",
                )
            if any(wrong and getattr(bound, wrong) is not None for bound in bounds):
                raise InputError(
                    f"{metric} is better when it is {better}, so {wrong} would refuse"
                    " a model for being better than the baseline.",
                    setting=f"evaluator.thresholds.{metric}.{wrong}",
                    remedy=f"Use {right}.",
                )
        return thresholds


def _with_single_columns(slices: Any) -> Any:
    """Let a column's name stand for a slice by that column alone."""
    if not isinstance(slices, list | tuple):
        return slices
    return [(item,) if isinstance(item, str) else item for item in slices]


def _check_metrics(names: Iterable[str], setting: str) -> None:
    for name in names:
        if name not in METRIC_NAMES:
            raise InputError(
                f"There is no metric {name!r}{nearest(name, METRIC_NAMES)}.",
                setting=setting,
                expected=", ".join(METRIC_NAMES),
                got=name,
            )
