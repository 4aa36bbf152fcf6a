"""Settings of Evaluator."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar

from pydantic import Field, field_validator, model_validator

from components.errors import InputError
from components.models.metric_names import METRIC_NAMES
from components.naming import nearest
from components.settings import Settings

#: Columns whose every value (or crossing of values) is a slice, or one value of each
#: of the named columns. The empty tuple is all rows.
Slice = tuple[str, ...] | dict[str, str | int | float]


class Threshold(Settings):
    """Bounds on one metric.

    Attributes
    ----------
    min, max : float or None
        Bounds on the candidate's value, in units of the metric.
    max_drop, max_rise : float or None
        By how much the candidate may be below or above the baseline, in units of the
        metric. Not checked while there is no baseline.
    slices : tuple of Slice
        Where the bounds hold, each value of a column by itself; by default on all
        rows together.
    """

    min: float | None = None
    max: float | None = None
    max_drop: float | None = Field(default=None, ge=0)
    max_rise: float | None = Field(default=None, ge=0)
    slices: tuple[Slice, ...] = Field(default=((),), min_length=1)

    @field_validator("slices", mode="before")
    @classmethod
    def _single_columns(cls, slices: Any) -> Any:
        return _with_single_columns(slices)

    @model_validator(mode="after")
    def _bounds_make_sense(self) -> Threshold:
        if {self.min, self.max, self.max_drop, self.max_rise} == {None}:
            raise ValueError("at least one of min, max, max_drop and max_rise")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min <= max, but {self.min} > {self.max}")
        return self


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
        Bounds by metric. A model is blessed if it keeps them all, and without any.
    confidence_intervals : bool
        Whether a 95 % interval is computed for each metric.
    replicates : int
        Bootstrap replicates behind each interval. Beam has TFMA's own method, which
        has no such setting.
    seed : int
        Seed of the bootstrap.
    split : str
        Split of the examples that is scored.
    min_slice_size : int
        Rows below which a slice is listed without metrics and not judged. A column of
        many rare values gives many slices; raise this to keep them out.
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
