"""What SubprocessJobs does beyond the contract of Jobs."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from ocellus.adapters.embedded import subprocess_jobs
from ocellus.adapters.embedded.subprocess_jobs import SubprocessJobs
from ocellus.errors import NotFound, StoreUnavailable

Start = Callable[..., SubprocessJobs]

SLEEP = "import time; print('up', flush=True); time.sleep(600)"
STUBBORN = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {SLEEP}"
# A trainer that asks nicely ends at once; its own child does not.
STUBBORN_CHILD = f"""
import subprocess, sys
subprocess.run([sys.executable, "-I", "-S", "-c", {STUBBORN!r}])
"""


def wait_until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, "the condition never came true"
        time.sleep(0.005)


def group_of(folder: Path, run_id: str = "r1") -> int:
    return int((folder / run_id / "pid").read_text().split()[0])


def any_left(group: int) -> bool:
    """Say whether the group has any process, zombies included."""
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start a script as the trainer of r1 and return its Jobs."""
    started: list[SubprocessJobs] = []

    def start(script: str, environ: dict[str, str] | None = None) -> SubprocessJobs:
        command = [sys.executable, "-I", "-S", "-c", script]
        started.append(SubprocessJobs(command, tmp_path, environ))
        started[-1].start("r1")
        return started[-1]

    yield start
    for jobs in started:
        jobs.close()


@pytest.fixture
def wait_for_output(tmp_path: Path) -> Callable[[str], None]:
    log = tmp_path / "r1" / "output.log"
    return lambda text: wait_until(lambda: log.exists() and text in log.read_text())


def test_output_and_errors_of_every_start_are_appended_to_the_log(
    start: Start, wait_for_output: Callable[[str], None]
) -> None:
    start("import os, sys; os.write(1, b'out '); os.write(2, b'err '); print(sys.argv[1:])")
    wait_for_output("out err ['--run', 'r1']\n")
    start("print('again')")
    wait_for_output("out err ['--run', 'r1']\nagain\n")


def test_the_trainer_gets_the_environment_and_no_input(
    start: Start, wait_for_output: Callable[[str], None]
) -> None:
    start("import os, sys; print(os.environ['COLOUR'], sys.stdin.read())", {"COLOUR": "blue"})
    wait_for_output("blue \n")


def test_a_trainer_that_ends_leaves_no_zombie(start: Start, tmp_path: Path) -> None:
    start("")
    group = group_of(tmp_path)
    wait_until(lambda: not any_left(group))


def test_close_stops_what_it_started(
    start: Start, tmp_path: Path, wait_for_output: Callable[[str], None]
) -> None:
    jobs = start(SLEEP)
    wait_for_output("up")
    jobs.close()
    assert not any_left(group_of(tmp_path))


@pytest.mark.parametrize("script", [STUBBORN, STUBBORN_CHILD])
def test_whatever_ignores_the_request_to_end_is_killed(
    start: Start,
    script: str,
    tmp_path: Path,
    wait_for_output: Callable[[str], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(subprocess_jobs, "GRACE_S", 0.1)
    jobs = start(script)
    wait_for_output("up")
    jobs.cancel("r1")
    wait_until(lambda: not any_left(group_of(tmp_path)))


def test_cancel_lets_the_trainer_finish_what_it_does_on_sigterm(
    start: Start, wait_for_output: Callable[[str], None]
) -> None:
    goodbye = "signal.signal(signal.SIGTERM, lambda *_: sys.exit('goodbye'))"
    jobs = start(f"import signal, sys; {goodbye}; {SLEEP}")
    wait_for_output("up")
    jobs.cancel("r1")
    wait_for_output("goodbye")


def test_cancel_stops_every_trainer_started_for_the_run(start: Start, tmp_path: Path) -> None:
    jobs = start(SLEEP)
    jobs.start("r1")
    groups = [int(line.split()[0]) for line in (tmp_path / "r1" / "pid").read_text().splitlines()]
    assert all(map(any_left, groups))
    jobs.cancel("r1")
    assert len(groups) == 2
    assert not any(map(any_left, groups))


@pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="start times come from /proc")
def test_a_later_process_with_the_same_number_is_left_alone(start: Start, tmp_path: Path) -> None:
    jobs = start(SLEEP)
    group = group_of(tmp_path)
    (tmp_path / "r1" / "pid").write_text(f"{group} 1\n")
    jobs.cancel("r1")
    assert any_left(group)


def test_a_trainer_that_cannot_be_recorded_is_not_left_running(
    start: Start, tmp_path: Path
) -> None:
    (tmp_path / "r1" / "pid").mkdir(parents=True)
    threads = set(threading.enumerate())
    with pytest.raises(StoreUnavailable):
        start(SLEEP)
    wait_until(lambda: set(threading.enumerate()) <= threads)  # the reaper saw it end


@pytest.mark.parametrize("run_id", ["../r1", "", "r1/../r2"])
def test_what_is_no_run_id_names_no_folder(tmp_path: Path, run_id: str) -> None:
    jobs = SubprocessJobs([sys.executable, "-c", ""], tmp_path)
    with pytest.raises(NotFound):
        jobs.start(run_id)
    with pytest.raises(NotFound):
        jobs.cancel(run_id)
    assert list(tmp_path.iterdir()) == []
