"""All measures by name."""

from __future__ import annotations

from components.drift_monitor.feature_drift import (
    chi_square,
    jensen_shannon,
    kolmogorov_smirnov,
    l_infinity,
    psi,
    wasserstein,
)
from components.drift_monitor.feature_drift.base import Measure

MEASURES: dict[str, Measure] = {
    module.MEASURE.name: module.MEASURE
    for module in (l_infinity, jensen_shannon, psi, kolmogorov_smirnov, chi_square, wasserstein)
}
