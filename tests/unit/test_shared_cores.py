from __future__ import annotations

import numpy as np
import pytest
from autoscaling import Platform, Service, arrivals, simulate
from shared_cores import Machine, play

TEN_MS = Service([10.0], [10.0], cold_start_s=0.0, concurrency=80)


def rng() -> np.random.Generator:
    return np.random.default_rng(1)


def test_an_instance_with_a_core_of_its_own_does_as_in_a_deployment() -> None:
    at = arrivals([(200, 50)], rng())
    deployed = simulate(at, TEN_MS, Platform(least=1, most=1), rng())
    assert play(at, TEN_MS, 1, Machine(cores=1), rng()) == pytest.approx(deployed.latency_ms)


def test_more_instances_than_cores_do_no_more_than_the_cores() -> None:
    latency_ms = play(np.zeros(300), TEN_MS, 3, Machine(cores=2), rng())
    assert latency_ms.max() == pytest.approx(1500, rel=0.02)


def test_two_that_share_a_core_take_turns_by_slices() -> None:
    latency_ms = play(np.zeros(2), TEN_MS, 2, Machine(cores=1, tick_s=0.004), rng())
    assert latency_ms.tolist() == pytest.approx([18, 20])  # 4 4 4 4 2 2


def test_a_core_that_turns_to_another_instance_works_as_after_a_pause() -> None:
    service = Service([1.0], [2.0], cold_start_s=0.0, concurrency=80)
    alone = play(np.zeros(100), service, 1, Machine(cores=1), rng())
    shared = play(np.zeros(100), service, 2, Machine(cores=1), rng())
    assert alone.max() == pytest.approx(101)  # only the first came after a pause
    assert shared.max() == pytest.approx(100 * 4 / 3, rel=0.02)  # 2 + 1 + 1 ms in each slice


def test_client_and_proxy_take_their_part_of_the_cores() -> None:
    latency_ms = play(np.zeros(100), TEN_MS, 1, Machine(cores=1, front_ms=(5.0, 5.0)), rng())
    assert latency_ms.max() == pytest.approx(1500)


def test_an_answer_passes_through_client_and_proxy_as_a_request_does() -> None:
    latency_ms = play(np.zeros(1), TEN_MS, 1, Machine(cores=2, front_ms=(1.0, 4.0)), rng())
    assert latency_ms.tolist() == pytest.approx([14])  # 2 before, 2 after: both after a pause


def test_an_idle_core_takes_over_what_waits_elsewhere_at_the_next_tick() -> None:
    at = np.array([0.0, 0.0, 0.001, 0.002])  # to instances 1, 2, 3, 1, at cores 1, 0, 1, 1
    latency_ms = play(at, TEN_MS, 3, Machine(cores=2, tick_s=0.012), rng())
    assert latency_ms.tolist() == pytest.approx([10, 10, 21, 18])  # core 0 is idle from 10 to 12
