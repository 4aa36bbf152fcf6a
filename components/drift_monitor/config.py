"""Settings of DriftMonitor. Imports nothing heavy."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field, field_validator

from components.drift_monitor.feature_drift.config import FeatureDriftConfig
from components.errors import InputError
from components.models import candidates
from components.models.metric_names import METRIC_NAMES
from components.naming import nearest
from components.settings import Settings

#: Detectors by name, and the kind of rows that each takes; see `detectors.table`.
DETECTORS = {
    "ddm": "error",
    "eddm": "error",
    "hddm_a": "fraction",
    "hddm_w": "fraction",
    "page_hinkley": "value",
    "adwin": "value",
    "linear_four_rates": "pair",
    "p_chart": "count",
    "ewma": "value",
    "cusum": "value",
}

#: Kinds of rows that each task has.
TASK_ROWS = {
    "binary": ("error", "fraction", "value", "pair", "count"),
    "multiclass": ("error", "fraction", "value", "count"),
    "regression": ("value",),
}


class NoveltyConfig(Settings):
    """The search for classes, or groups of rows, that were not there in training.

    Attributes
    ----------
    method : {"olindda", "minas", "ecsminer", "gc3"}
    parameters : dict
        Those of the method that are not its default.
    rows : int
        Training rows that the known classes are learned from, drawn by the seed from more.
    share : float
        Part of a span's rows from which on new groups together are an alarm.
    """

    method: Literal["olindda", "minas", "ecsminer", "gc3"] = "olindda"
    parameters: dict[str, int | float] = Field(default={})
    rows: int = Field(default=5000, ge=10)
    share: float = Field(default=0.05, gt=0, le=1)


class RetrainConfig(Settings):
    """Training anew after an alarm.

    Attributes
    ----------
    automatic : bool
        Whether ``monitor`` does it without being told by ``--retrain``.
    min_rows : int
        Labelled rows that the window must hold: where there are fewer since the change, it begins
        earlier.
    """

    automatic: bool = False
    min_rows: int = Field(default=500, ge=10)


class DriftMonitorConfig(Settings):
    """What is watched in data that come after training.

    Attributes
    ----------
    challengers : tuple of str
        Candidates that are scored beside the blessed model, such as ``distilled``.
    key : str or None
        Column whose value tells a row from all others: by it, labels that come later are joined.
    reference_split : str
        Split on which is measured what is usual: one that no model was trained on.
    detectors : dict of str to dict, or None
        Error-stream detectors by name, with their parameters. None takes DDM, HDDM_A, ADWIN and,
        of two classes, Linear Four Rates; for a regression ADWIN and an EWMA chart.
    chart_rows : int
        Rows that make one point of a p-chart.
    alarm_budget : float
        False alarms that all detectors together may give on 100,000 rows of a stream like the
        reference. The costliest detectors are silenced, and so reported, until the others keep it.
    features : FeatureDriftConfig or None
        None watches no features.
    novelty : NoveltyConfig or None
        None looks for no novelty.
    metrics : tuple of str or None
        None takes the usual ones of the task.
    slices : tuple of str
        Columns whose every value is measured by itself.
    min_slice_size : int
        Rows below which a slice is left out.
    replicates : int
        Bootstrap replicates behind each interval.
    estimate : bool
        Whether performance is estimated where labels are missing.
    retrain : RetrainConfig
    gate : bool
        Whether an alarm refuses a run, which then ends with exit code 3. ``monitor`` always does.
    seed : int
    """

    USES: ClassVar[tuple[str, ...]] = ("models",)
    LIBRARIES: ClassVar[tuple[str, ...]] = ("tensorflow", "scikit-learn", "scipy")

    challengers: tuple[str, ...] = ()
    key: str | None = None
    reference_split: str = "test"
    detectors: dict[str, dict[str, Any]] | None = None
    chart_rows: int = Field(default=50, ge=2)
    alarm_budget: float = Field(default=20.0, gt=0)
    features: FeatureDriftConfig | None = FeatureDriftConfig()
    novelty: NoveltyConfig | None = None
    metrics: tuple[str, ...] | None = Field(default=None, min_length=1)
    slices: tuple[str, ...] = ()
    min_slice_size: int = Field(default=30, ge=2)
    replicates: int = Field(default=200, ge=2, le=100_000)
    estimate: bool = True
    retrain: RetrainConfig = RetrainConfig()
    gate: bool = True
    seed: int = Field(default=1, ge=0, lt=2**31)

    @field_validator("challengers")
    @classmethod
    def _challengers_exist(cls, challengers: tuple[str, ...]) -> tuple[str, ...]:
        for name in challengers:
            if candidates.group_of(name) not in candidates.GROUPS:
                raise InputError(
                    f"There is no candidate {name!r}{nearest(name, candidates.GROUPS)}.",
                    setting="monitor.challengers",
                    expected=", ".join(candidates.GROUPS),
                    got=name,
                )
        return challengers

    @field_validator("detectors")
    @classmethod
    def _detectors_exist(
        cls, detectors: dict[str, dict[str, Any]] | None
    ) -> dict[str, dict[str, Any]] | None:
        for name in detectors or ():
            if name not in DETECTORS:
                raise InputError(
                    f"There is no detector {name!r}{nearest(name, DETECTORS)}.",
                    setting="monitor.detectors",
                    expected=", ".join(DETECTORS),
                    got=name,
                )
        return detectors

    @field_validator("metrics")
    @classmethod
    def _metrics_exist(cls, metrics: tuple[str, ...] | None) -> tuple[str, ...] | None:
        for name in metrics or ():
            if name not in METRIC_NAMES:
                raise InputError(
                    f"There is no metric {name!r}{nearest(name, METRIC_NAMES)}.",
                    setting="monitor.metrics",
                    expected=", ".join(METRIC_NAMES),
                    got=name,
                )
        return metrics
