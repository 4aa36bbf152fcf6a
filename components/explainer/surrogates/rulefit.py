"""RuleFit in place of the model: a sparse sum of rules and columns (Friedman and Popescu 2008)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from imodels import RuleFitRegressor

from components.explainer.surrogates.conditions import Column

#: Trees whose paths are candidates for rules, and their leaves on the mean.
TREES, LEAVES = 30, 4


@dataclass(frozen=True)
class Fitted:
    """A RuleFit of standardized answers.

    Attributes
    ----------
    model : RuleFitRegressor
    mean, deviation : float
        Of the answers.
    """

    model: RuleFitRegressor
    mean: float
    deviation: float

    def predict(self, matrix: np.ndarray) -> np.ndarray:
        """Return what it says of rows, [n]."""
        found: np.ndarray = self.model.predict(matrix) * self.deviation + self.mean
        return found


def fit(matrix: np.ndarray, answers: np.ndarray, max_rules: int, seed: int) -> Fitted | None:
    """Return the fit to answers [n]; None where they, or the columns' middle parts, do not vary.

    Answers are standardized: imodels drops rules of weights that are small on their scale.
    """
    mean, deviation = float(answers.mean()), float(answers.std())
    low, high = np.quantile(matrix, [0.025, 0.975], axis=0)
    if deviation <= 1e-12 * max(1.0, abs(mean)) or not (low < high).any():
        return None
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model = RuleFitRegressor(
            n_estimators=TREES, tree_size=LEAVES, max_rules=max_rules, cv=False, random_state=seed
        ).fit(matrix, (answers - mean) / deviation)
    return Fitted(model, mean, deviation)


def terms(fitted: Fitted, columns: list[Column], matrix: np.ndarray) -> list[dict[str, Any]]:
    """Return the terms in words, the most important first (ibid., eq. 28 and 29).

    Returns
    -------
    list of dict
        ``text``, ``kind`` ("rule" or "linear"), ``weight`` in units of the answer, ``support``
        (share of rows for which a rule holds; None of a linear term) and ``importance``.
    """
    model, found = fitted.model, []
    slopes = np.asarray(model.coef[: matrix.shape[1]]) * model.friedscale.scale_multipliers
    trimmed = np.clip(matrix, *model.winsorizer.winsor_lims)
    for place in np.flatnonzero(slopes):
        weight = float(slopes[place] * fitted.deviation)
        found.append(
            {
                "text": columns[place].term,
                "kind": "linear",
                "weight": weight,
                "support": None,
                "importance": abs(weight) * float(trimmed[:, place].std()),
            }
        )
    for rule in model.rules_without_feature_names_:
        weight = float(rule.args[0]) * fitted.deviation
        if not weight:
            continue
        support = float(rule.support)
        found.append(
            {
                "text": " and ".join(
                    columns[int(name.removeprefix("X_"))].condition(float(value), above=sign == ">")
                    for (name, sign), value in sorted(rule.agg_dict.items())
                ),
                "kind": "rule",
                "weight": weight,
                "support": support,
                "importance": abs(weight) * float(np.sqrt(support * (1 - support))),
            }
        )
    return sorted(found, key=lambda each: -each["importance"])
