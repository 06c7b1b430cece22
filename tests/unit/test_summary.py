"""The summary: counters grouped, quantiles of a histogram that merges by adding."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from ocellus.summary import Statistics, bucket_of, quantile, summarise


@pytest.mark.parametrize("q", [0.01, 0.5, 0.95, 0.99, 1.0])
def test_a_quantile_is_right_to_five_percent(q: float) -> None:
    latencies = np.random.default_rng(5).lognormal(2.0, 1.5, 3000)
    buckets = Counter(bucket_of(x) for x in latencies)
    exact = np.quantile(latencies, q, method="inverted_cdf")
    assert quantile(buckets, q) == pytest.approx(exact, rel=0.05)


@pytest.mark.parametrize("latency_ms", [0.002, 0.5, 1.0, 1.1, 7.0, 60_000.0])
def test_one_latency_is_its_own_quantile(latency_ms: float) -> None:
    found = quantile({bucket_of(latency_ms): 1}, 0.5)
    assert found == pytest.approx(latency_ms, rel=0.05, abs=0.0005)


def test_no_time_at_all_has_a_bucket() -> None:
    assert bucket_of(0.0) == bucket_of(0.001)


def test_histograms_merge_by_adding() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.lognormal(1, 1, 500), rng.lognormal(3, 1, 500)
    merged = Counter(map(bucket_of, a)) + Counter(map(bucket_of, b))
    exact = np.quantile(np.concatenate([a, b]), 0.95, method="inverted_cdf")
    assert quantile(merged, 0.95) == pytest.approx(exact, rel=0.05)


def test_there_is_no_quantile_of_nothing() -> None:
    assert quantile({}, 0.5) is None


def test_the_summary_groups_the_counters() -> None:
    counts = {"predictions": 3, "unsure": 1, "label:dog": 2, "label:cat": 1, "version:v1": 3}
    summary = summarise(counts | {f"latency:{bucket_of(10.0)}": 3}, 1000.0)
    assert (summary.predictions, summary.unsure, summary.refused) == (3, 1, 0)
    assert (summary.by_label, summary.by_version) == ({"cat": 1, "dog": 2}, {"v1": 3})
    assert summary.latency_ms["p50"] == pytest.approx(10.0, rel=0.05)
    assert summary.updated_at == 1000.0


def test_the_summary_of_nothing_is_zeros() -> None:
    assert summarise({}, None) == Statistics(
        0, 0, 0, {}, {}, {"p50": None, "p95": None, "p99": None}, None
    )


def test_sums_are_compared_whenever_they_were_made() -> None:
    earlier = summarise({"refused": 1}, 1.0)
    assert earlier.counts_as(summarise({"refused": 1}, 2.0))
    assert not earlier.counts_as(summarise({"refused": 2}, 1.0))
