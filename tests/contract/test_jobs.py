"""The contract of Jobs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from ocellus.errors import StoreUnavailable
from ocellus.ports import Jobs

WaitUntil = Callable[[Callable[[], bool]], None]


def test_start_returns_while_the_trainer_of_the_run_works(
    jobs: Jobs, trainers: Any, wait_until: WaitUntil
) -> None:
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 1)
    assert trainers.running("r1")


def test_start_that_cannot_says_so(trainers: Any) -> None:
    with pytest.raises(StoreUnavailable):
        trainers.unstartable_jobs.start("r1")


def test_cancel_stops_the_trainer(jobs: Jobs, trainers: Any, wait_until: WaitUntil) -> None:
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 1)
    jobs.cancel("r1")
    wait_until(lambda: not trainers.running("r1"))


def test_whoever_did_not_start_the_trainer_can_cancel_it_too(
    jobs: Jobs, trainers: Any, wait_until: WaitUntil
) -> None:
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 1)
    trainers.other_jobs.cancel("r1")
    wait_until(lambda: not trainers.running("r1"))


def test_cancel_leaves_other_runs_alone(jobs: Jobs, trainers: Any, wait_until: WaitUntil) -> None:
    jobs.start("r1")
    jobs.start("r11")
    wait_until(lambda: trainers.starts("r1") == trainers.starts("r11") == 1)
    jobs.cancel("r1")
    wait_until(lambda: not trainers.running("r1"))
    assert trainers.running("r11")


def test_cancel_of_a_run_that_never_started_is_no_error(jobs: Jobs, trainers: Any) -> None:
    jobs.cancel("r1")
    assert trainers.starts("r1") == 0


def test_cancel_of_a_run_that_ended_is_no_error(
    jobs: Jobs, trainers: Any, wait_until: WaitUntil
) -> None:
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 1)
    trainers.finish("r1")
    wait_until(lambda: not trainers.running("r1"))
    jobs.cancel("r1")
    assert not trainers.running("r1")


def test_a_cancelled_run_can_be_started_again(
    jobs: Jobs, trainers: Any, wait_until: WaitUntil
) -> None:
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 1)
    jobs.cancel("r1")
    wait_until(lambda: not trainers.running("r1"))
    jobs.start("r1")
    wait_until(lambda: trainers.starts("r1") == 2)
    assert trainers.running("r1")
