"""The Evaluator's figures against scikit-learn's, on the same predictions."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn import metrics as sk

from components.evaluator import beam_evaluation, eval_config, judgement, summary
from components.evaluator.config import EvaluatorConfig

ROWS = 2000


@pytest.fixture(scope="module")
def table():
    """Scores of three candidates and a baseline, with two columns to slice by."""
    random = np.random.default_rng(3)
    y = random.integers(0, 2, ROWS)
    columns = {
        "__label__": y,
        "hour": random.integers(0, 4, ROWS),
        "area": random.choice(["north", "south"], ROWS),
    }
    for model, noise in (("trained", 1), ("compressed", 2), ("benchmark/tree", 3), ("baseline", 2)):
        logits = (2 * y - 1) + random.normal(0, noise, ROWS)
        # Keras adds 1e-7 to a probability before its logarithm is taken, which counts near 0.
        score = 0.1 + 0.8 / (1 + np.exp(-logits))
        columns[f"__prediction__{model}"] = score.astype(np.float32)
    return pa.table(columns)


@pytest.mark.parametrize("engine", ["memory", "beam"])
def test_figures_of_all_candidates_and_slices(
    engine, table, store, tmp_path, make_pipeline, run_local
):
    models = ["trained", "compressed", "benchmark/tree", "baseline"]
    config = EvaluatorConfig.model_validate(
        {
            "metrics": ["AUC", "BinaryCrossentropy", "BinaryAccuracy", "Calibration"],
            "slices": ["area", ["area", "hour"]],
            "confidence_intervals": False,
        }
    )
    wanted, found = run_local(table, config, "binary", models=models)
    if engine == "beam":
        found = beam_evaluation.evaluate(store(table), wanted, str(tmp_path / "out"), make_pipeline)
    result = summary.summarise(
        found, judgement.judge(found, wanted), eval_config.bounds(config), wanted, ROWS, {}
    )
    frame = table.to_pandas()
    assert len(result["slices"]) == 1 + 2 + 8
    for each in result["slices"]:
        rows = np.ones(ROWS, bool)
        for column, value in each["key"].items():
            rows &= (frame[column] == value).to_numpy()
        y = frame["__label__"][rows]
        for model in models:
            p = frame[f"__prediction__{model}"][rows].astype(np.float64)
            ours = {n: m["value"] for n, m in result["metrics"][model][each["name"]].items()}
            assert ours["AUC"] == pytest.approx(sk.roc_auc_score(y, p), abs=1e-4)
            assert ours["BinaryCrossentropy"] == pytest.approx(sk.log_loss(y, p), abs=1e-6)
            assert ours["BinaryAccuracy"] == pytest.approx(sk.accuracy_score(y, p > 0.5), abs=1e-6)
            assert ours["Calibration"] == pytest.approx(p.mean() / y.mean(), abs=1e-6)
            if model != "baseline":
                change = result["differences"][model][each["name"]]["AUC"]["value"]
                base = result["metrics"]["baseline"][each["name"]]["AUC"]["value"]
                assert change == pytest.approx(ours["AUC"] - base, abs=1e-6)
