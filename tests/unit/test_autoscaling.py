from __future__ import annotations

import numpy as np
import pytest
from autoscaling import Floats, Platform, Service, arrivals, simulate

TEN_MS = Service([10.0], [10.0], cold_start_s=1.0, concurrency=80)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def every(period_s: float, count: int) -> Floats:
    return np.arange(count) * period_s


def test_arrivals_follow_the_curve() -> None:
    at = arrivals([(10, 100), (5, 1000)], rng())
    assert np.all(np.diff(at) >= 0)
    assert np.count_nonzero(at < 10) == pytest.approx(1000, rel=0.1)
    assert np.count_nonzero(at >= 10) == pytest.approx(5000, rel=0.1)


def test_the_first_request_waits_for_the_cold_start() -> None:
    outcome = simulate(every(2, 3), TEN_MS, Platform(), rng())
    assert outcome.latency_ms.tolist() == pytest.approx([1010, 10, 10])
    assert (outcome.cold, outcome.instances) == (1, 1)


def test_a_queue_waits_as_theory_says() -> None:
    """Pollaczek-Khinchine: at half load a constant service waits half its time on average."""
    platform = Platform(least=1, most=1)
    outcome = simulate(arrivals([(2000, 50)], rng()), TEN_MS, platform, rng())
    assert outcome.latency_ms.mean() == pytest.approx(15.0, rel=0.03)


def test_instances_come_until_cpu_use_is_at_the_target() -> None:
    outcome = simulate(arrivals([(120, 600)], rng()), TEN_MS, Platform(), rng())
    assert outcome.instances == pytest.approx(10, abs=1)  # 600/s of 10 ms are 6 CPUs, at 60 % 10


def test_more_waiting_requests_than_fit_start_instances_at_once() -> None:
    outcome = simulate(np.zeros(200), TEN_MS, Platform(least=1), rng())
    assert outcome.instances == 3


def test_requests_beyond_the_most_instances_are_refused_after_their_patience() -> None:
    platform = Platform(least=1, most=1, patience_s=1.005)
    outcome = simulate(np.zeros(200), TEN_MS, platform, rng())
    assert outcome.refused == 99
    assert outcome.latency_ms.max() == pytest.approx(1010)


def test_a_short_stretch_of_activity_is_billed_as_100_ms() -> None:
    outcome = simulate(every(1, 10), TEN_MS, Platform(least=1), rng())
    assert outcome.billed_s == pytest.approx(1.0)


def test_no_time_is_billed_twice() -> None:
    outcome = simulate(every(0.02, 500), TEN_MS, Platform(least=1, most=1), rng())
    assert outcome.billed_s == pytest.approx(10.0, abs=0.2)  # half busy, never free for 100 ms


def test_an_instance_writes_once_in_a_flush_period() -> None:
    outcome = simulate(every(0.1, 90), TEN_MS, Platform(least=1), rng())
    assert outcome.writes == 6  # at 0, 3 and 6 s, two each


def test_an_instance_that_rested_takes_longer() -> None:
    service = Service([10.0], [15.0], cold_start_s=1.0, concurrency=80)
    outcome = simulate(np.array([0.0, 0.0, 1.0]), service, Platform(least=1, most=1), rng())
    assert outcome.latency_ms.tolist() == pytest.approx([10, 20, 15])
