"""The benchmark of remediation: means over seeds, and the target."""

from benchmarks import remediation


def figures(gap, auc):
    return {"equal_opportunity_gap": gap, "demographic_parity_gap": gap, "auc": auc}


def seed(before, after, auc, cost):
    return {
        "plain": {"plain": figures(before, auc)},
        "equal_opportunity": {"good": figures(after, auc - cost)},
        "demographic_parity": {
            "good": figures(after, auc - cost),
            "dear": figures(after, auc - 0.02),
        },
    }


def test_means_and_the_target():
    found = remediation.summary([seed(0.1, 0.02, 0.9, 0.001), seed(0.3, 0.06, 0.92, 0.003)])
    assert found["plain"] == {
        "equal_opportunity_gap": 0.2,
        "demographic_parity_gap": 0.2,
        "auc": 0.91,
    }
    good = found["demographic_parity"]["good"]
    assert (good["left"], good["auc_cost"], good["auc"]) == (0.2, 0.002, 0.908)
    assert found["met"] == {"equal_opportunity": ["good"], "demographic_parity": ["good"]}


def test_half_a_gap_is_not_enough_if_more_is_left():
    found = remediation.summary([seed(0.1, 0.06, 0.9, 0.0)])
    assert found["met"] == {"equal_opportunity": [], "demographic_parity": []}
