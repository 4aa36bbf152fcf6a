"""The measures hold their level, and are what others compute."""

import numpy as np
import pytest
from scipy import stats
from scipy.spatial.distance import jensenshannon
from statsmodels.stats.multitest import multipletests

from components.drift_monitor.feature_drift.chi_square import chi_square
from components.drift_monitor.feature_drift.correction import adjust
from components.drift_monitor.feature_drift.jensen_shannon import jensen_shannon
from components.drift_monitor.feature_drift.kolmogorov_smirnov import kolmogorov_smirnov
from components.drift_monitor.feature_drift.l_infinity import l_infinity
from components.drift_monitor.feature_drift.pair import Pair
from components.drift_monitor.feature_drift.psi import psi
from components.drift_monitor.feature_drift.reference import Feature
from components.drift_monitor.feature_drift.table import MEASURES
from components.drift_monitor.feature_drift.wasserstein import wasserstein

SEEDS = 500
#: Most rejections at 0.05 of 500 that chance gives once in a thousand.
MOST = int(stats.binom.ppf(0.999, SEEDS, 0.05))


def pair(past, now, seed=0, resamples=199):
    feature = Feature.of(past, 10)
    values = (np.empty(0), np.empty(0))
    if feature.kind == "numeric":
        values = tuple(np.sort(x[~np.isnan(x)]) for x in (past, now))
    scale = feature.deviation if feature.deviation > 0 else 1.0
    return Pair(feature.counts, feature.count(now)[0], *values, scale, resamples, seed)


def numbers(rng, rows, shift=0.0, spread=1.0, missing=0.1):
    x = shift + spread * rng.normal(size=rows)
    x[rng.random(rows) < missing] = np.nan
    return x


def words(rng, rows, p=(0.5, 0.3, 0.1, 0.05, 0.05)):
    return rng.choice(np.array(["a", "b", "c", "d", ""], object), rows, p=p)


@pytest.mark.parametrize("make", [numbers, words])
def test_every_measure_holds_its_level(make):
    hits = dict.fromkeys(MEASURES, 0)
    for seed in range(SEEDS):
        rng = np.random.default_rng(seed)
        both = pair(make(rng, 400), make(rng, 250), seed)
        for name, measure in MEASURES.items():
            if make is numbers or not measure.numeric_only:
                hits[name] += measure.compare(both).p_value <= 0.05
    assert max(hits.values()) <= MOST, hits
    # Nor are they blunt.
    assert all(hits[name] >= 8 for name in MEASURES if hits[name] or make is numbers), hits


SHIFTS = {
    "mean": lambda rng: numbers(rng, 300, shift=0.4),
    "spread": lambda rng: numbers(rng, 300, spread=1.7),
    "missing": lambda rng: numbers(rng, 300, missing=0.25),
    "share": lambda rng: words(rng, 300, (0.3, 0.45, 0.15, 0.05, 0.05)),
    "missing text": lambda rng: words(rng, 300, (0.4, 0.2, 0.1, 0.05, 0.25)),
}
#: Kolmogorov-Smirnov and Wasserstein look at values alone.
BLIND = {("missing", "kolmogorov_smirnov"), ("missing", "wasserstein")}


@pytest.mark.parametrize("shift", SHIFTS)
def test_planted_shifts_are_found(shift):
    hits = dict.fromkeys(MEASURES, 0)
    text = shift in ("share", "missing text")
    for seed in range(60):
        rng = np.random.default_rng(seed)
        both = pair((words if text else numbers)(rng, 600), SHIFTS[shift](rng), seed)
        for name, measure in MEASURES.items():
            found = None if text and measure.numeric_only else measure.compare(both)
            hits[name] += found is not None and found.p_value <= 0.05
    for name, measure in MEASURES.items():
        if (shift, name) in BLIND:
            assert hits[name] <= 12
        elif not (text and measure.numeric_only):
            assert hits[name] >= 48, (name, hits[name])


@pytest.fixture
def rng():
    return np.random.default_rng(7)


def test_kolmogorov_smirnov_and_wasserstein_are_scipys(rng):
    for n, m in ((3, 500), (80, 50), (1, 1), (400, 7)):
        x, y = np.sort(rng.normal(size=n).round(1)), np.sort(rng.normal(0.2, 1, m).round(1))
        method = "asymp" if min(n, m) >= 30 else "exact"
        expected = stats.ks_2samp(x, y, method=method)
        statistic, p_value = kolmogorov_smirnov(x, y)
        assert statistic == pytest.approx(expected.statistic)
        assert p_value == pytest.approx(expected.pvalue, abs=1e-9)
        assert wasserstein(x, y) == pytest.approx(stats.wasserstein_distance(x, y))


def test_chi_square_is_scipys_where_no_value_is_rare(rng):
    table = rng.integers(20, 90, (2, 6))
    expected = stats.chi2_contingency(table, correction=False)
    assert chi_square(*table) == pytest.approx((expected.statistic, expected.pvalue))


def test_rare_values_are_pooled(rng):
    common = np.array([[300, 200], [250, 260]])
    rare = np.append(common, rng.integers(0, 3, (2, 40)), axis=1)
    by_hand = np.column_stack([common, rare[:, 2:].sum(axis=1)])
    expected = stats.chi2_contingency(by_hand, correction=False)
    assert chi_square(*rare) == pytest.approx((expected.statistic, expected.pvalue))
    assert chi_square(np.array([3, 0]), np.array([1, 1])) == (0.0, 1.0)


def test_divergences_are_their_formulas(rng):
    p, q = rng.integers(1, 50, (2, 8)).astype(float)
    assert jensen_shannon(p, q) == pytest.approx(jensenshannon(p, q, base=2) ** 2)
    p_share, q_share = (p + 0.5) / (p + 0.5).sum(), (q + 0.5) / (q + 0.5).sum()
    assert psi(p, q) == pytest.approx(
        stats.entropy(p_share, q_share) + stats.entropy(q_share, p_share)
    )
    many = rng.integers(1, 9, (2, 5, 8))
    for measure in (jensen_shannon, psi, l_infinity):
        assert measure(p, 3 * p) == pytest.approx(0, abs=5e-3)
        singly = [float(measure(a, b)) for a, b in zip(*many, strict=True)]
        assert measure(*many).tolist() == pytest.approx(singly)


def test_l_infinity_and_jensen_shannon_are_tfdvs(rng):
    from google.protobuf import text_format
    from tensorflow_data_validation import validate_statistics
    from tensorflow_metadata.proto.v0 import schema_pb2, statistics_pb2

    def statistics(words_of, cells):
        made = statistics_pb2.DatasetFeatureStatisticsList()
        dataset = made.datasets.add(num_examples=int(words_of.sum()))
        common = {"num_non_missing": dataset.num_examples, "min_num_values": 1}
        common |= {"max_num_values": 1, "avg_num_values": 1.0}
        for name in ("linf", "js"):
            text = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.STRING)
            text.path.step.append(name)
            text.string_stats.common_stats.CopyFrom(statistics_pb2.CommonStatistics(**common))
            for place, rows in enumerate(words_of.tolist()):
                text.string_stats.rank_histogram.buckets.add(label=str(place), sample_count=rows)
        number = dataset.features.add(type=statistics_pb2.FeatureNameStatistics.FLOAT)
        number.path.step.append("number")
        number.num_stats.common_stats.CopyFrom(statistics_pb2.CommonStatistics(**common))
        histogram = number.num_stats.histograms.add(type=statistics_pb2.Histogram.STANDARD)
        for place, rows in enumerate(cells.tolist()):
            histogram.buckets.add(low_value=place, high_value=place + 1, sample_count=rows)
        return made

    text = "\n".join(
        f'feature {{ name: "{name}" type: {kind} drift_comparator {{ {measure} '
        "{ threshold: 0.0001 } } }"
        for name, kind, measure in (
            ("linf", "BYTES", "infinity_norm"),
            ("js", "BYTES", "jensen_shannon_divergence"),
            ("number", "FLOAT", "jensen_shannon_divergence"),
        )
    )
    schema = text_format.Parse(text, schema_pb2.Schema())
    past, now = (
        rng.multinomial(900, [0.5, 0.2, 0.2, 0.1]),
        rng.multinomial(300, [0.2, 0.4, 0.3, 0.1]),
    )
    anomalies = validate_statistics(
        statistics(now, now), schema, previous_statistics=statistics(past, past)
    )
    found = {
        info.path.step[0]: info.drift_measurements[0].value for info in anomalies.drift_skew_info
    }
    assert found["linf"] == pytest.approx(float(l_infinity(past, now)))
    assert found["js"] == pytest.approx(float(jensen_shannon(past, now)))
    assert found["number"] == pytest.approx(float(jensen_shannon(past, now)), rel=1e-6)


def test_corrections_are_those_of_statsmodels(rng):
    p = np.append(rng.random(20), [0.001, 0.001, 0.0])
    for ours, theirs in (
        ("benjamini_hochberg", "fdr_bh"),
        ("holm", "holm"),
        ("bonferroni", "bonferroni"),
    ):
        assert adjust(p, ours) == pytest.approx(multipletests(p, method=theirs)[1])
        assert len(adjust([], ours)) == 0
