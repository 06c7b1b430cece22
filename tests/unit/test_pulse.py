"""The pulse: what a run prints, and when it is told to end."""

from __future__ import annotations

import threading

import pytest
from fakes import MemoryState

from ocellus.runs import Progress
from training_job.pulse import Interrupted, Pulse


@pytest.fixture
def stop() -> threading.Event:
    return threading.Event()


@pytest.fixture
def pulse(stop: threading.Event) -> Pulse:
    return Pulse(MemoryState(), "r1", "test", 60, stop)


def step(number: int) -> Progress:
    return Progress("train", epoch=1, epochs=1, step=number, steps=50)


def test_a_phase_shorter_than_two_prints_tells_its_first_step_and_its_last(
    pulse: Pulse, capsys: pytest.CaptureFixture[str]
) -> None:
    pulse.phase("train")
    for number in range(1, 51):
        pulse.report(step(number))
    pulse.phase("export")
    assert capsys.readouterr().out.splitlines() == [
        "r1 train",
        "r1 train, epoch 1/1, step 1/50",
        "r1 train, epoch 1/1, step 50/50",
        "r1 export",
    ]


def test_nothing_is_told_twice(pulse: Pulse, capsys: pytest.CaptureFixture[str]) -> None:
    pulse.phase("train")
    pulse.report(step(1))
    pulse.report(step(1))
    pulse.phase("export")
    assert len(capsys.readouterr().out.splitlines()) == 3


def test_a_run_told_to_stop_is_interrupted_at_its_next_word(
    pulse: Pulse, stop: threading.Event
) -> None:
    pulse.report(step(1))
    stop.set()
    with pytest.raises(Interrupted):
        pulse.report(step(2))
