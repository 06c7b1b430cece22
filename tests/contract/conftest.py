"""One suite per port, run against every adapter.

To add an adapter, add a factory to `STATES`, `BLOBS` and `JOBS`. A State or Blobs factory returns
a picklable callable that opens the port, so that other processes can open it too. The factory
takes the request for its test's other fixtures.
"""

from __future__ import annotations

import fcntl
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from threading import Barrier
from typing import Any, Protocol

import pytest
from emulators import cloud_run
from google.oauth2.credentials import Credentials

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.sqlite_state import SqliteState
from ocellus.adapters.embedded.subprocess_jobs import SubprocessJobs
from ocellus.adapters.gcp.cloud_run_jobs import CloudRunJobs
from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.ports import Blobs, Jobs, State


class OpenState(State, Protocol):
    """State as a test opens it."""

    def close(self) -> None: ...


STATES: dict[str, Callable[[pytest.FixtureRequest], Callable[[], OpenState]]] = {
    "embedded": lambda request: partial(
        SqliteState, request.getfixturevalue("tmp_path") / "state.sqlite3"
    ),
    "gcp": lambda request: partial(FirestoreState, request.getfixturevalue("firestore_project")),
}
BLOBS: dict[str, Callable[[pytest.FixtureRequest], Callable[[], Blobs]]] = {
    "embedded": lambda request: partial(
        DirectoryBlobs, request.getfixturevalue("tmp_path") / "blobs"
    ),
    "gcp": lambda request: partial(StorageBlobs, request.getfixturevalue("storage_bucket")),
}


@pytest.fixture(params=STATES)
def open_state(request: pytest.FixtureRequest) -> Callable[[], OpenState]:
    return STATES[request.param](request)


@pytest.fixture
def state(open_state: Callable[[], OpenState]) -> Iterator[OpenState]:
    state = open_state()
    yield state
    state.close()


@pytest.fixture(params=BLOBS)
def open_blobs(request: pytest.FixtureRequest) -> Callable[[], Blobs]:
    return BLOBS[request.param](request)


@pytest.fixture
def blobs(open_blobs: Callable[[], Blobs]) -> Blobs:
    return open_blobs()


class Trainers:
    """Trainers that hold a lock on a file as long as they run, so that a test can see them.

    Two openings of Jobs start and cancel the same trainers; a third cannot start any.
    """

    jobs: Jobs
    other_jobs: Jobs
    unstartable_jobs: Jobs

    _SCRIPT = """
import fcntl, pathlib, sys, time
folder, flag, run_id = sys.argv[1:]
assert flag == "--run"
folder = pathlib.Path(folder)
with open(folder / f"{run_id}.lock", "ab") as lock:
    fcntl.flock(lock, fcntl.LOCK_EX)
    lock.write(b"x")
    lock.flush()
    while not (folder / f"{run_id}.finish").exists():
        time.sleep(0.01)
"""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._command = [sys.executable, "-I", "-S", "-c", self._SCRIPT, str(folder)]

    def starts(self, run_id: str) -> int:
        """Return how many trainers of the run ever got going."""
        lock = self._folder / f"{run_id}.lock"
        return lock.stat().st_size if lock.exists() else 0

    def running(self, run_id: str) -> bool:
        with (self._folder / f"{run_id}.lock").open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            return False

    def finish(self, run_id: str) -> None:
        """Let the run's trainer end by itself."""
        (self._folder / f"{run_id}.finish").touch()

    def close(self) -> None:
        """Stop them all."""


class EmbeddedTrainers(Trainers):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.jobs = self._first = SubprocessJobs(self._command, folder / "runs")
        self.other_jobs = self._second = SubprocessJobs(self._command, folder / "runs")
        self.unstartable_jobs = SubprocessJobs([str(folder / "absent")], folder / "runs")

    def close(self) -> None:
        self._first.close()
        self._second.close()


class CloudRunTrainers(Trainers):
    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._cloud = cloud_run.CloudRun("projects/p/locations/l/jobs/trainer", self._command)
        self.jobs, self.other_jobs = self._open("trainer"), self._open("trainer")
        self.unstartable_jobs = self._open("absent")

    def _open(self, job: str) -> Jobs:
        credentials = Credentials(cloud_run.TOKEN)
        return CloudRunJobs("p", "l", job, emulator=self._cloud.api_root, credentials=credentials)

    def close(self) -> None:
        self._cloud.close()


JOBS: dict[str, Callable[[Path], Trainers]] = {
    "embedded": EmbeddedTrainers,
    "gcp": CloudRunTrainers,
}


@pytest.fixture(params=JOBS)
def trainers(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Trainers]:
    trainers = JOBS[request.param](tmp_path)
    yield trainers
    trainers.close()


@pytest.fixture
def jobs(trainers: EmbeddedTrainers) -> Jobs:
    return trainers.jobs


@pytest.fixture
def wait_until() -> Callable[[Callable[[], bool]], None]:
    def wait(condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not condition():
            assert time.monotonic() < deadline, "the condition never came true"
            time.sleep(0.005)

    return wait


def _outcome(call: Callable[[], Any]) -> Any:
    try:
        return call()
    except Exception as e:
        return e


@pytest.fixture
def in_threads() -> Callable[[list[Callable[[], Any]]], list[Any]]:
    """Make the calls at the same moment, a thread each; return their results or exceptions."""

    def run(calls: list[Callable[[], Any]]) -> list[Any]:
        gate = Barrier(len(calls))

        def wait_and_call(call: Callable[[], Any]) -> Any:
            gate.wait()
            return _outcome(call)

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(wait_and_call, calls))

    return run


_WORKER = """
import pickle, sys
opener, calls = pickle.loads(bytes.fromhex(sys.argv[1]))
print("ready", flush=True)
sys.stdin.read()
port = opener()
outcomes = []
for method, args, kwargs in calls:
    try:
        outcomes.append(getattr(port, method)(*args, **kwargs))
    except Exception as e:
        outcomes.append(e)
pickle.dump(outcomes, sys.stdout.buffer)
"""

Call = tuple[str, tuple[Any, ...], dict[str, Any]]


@pytest.fixture
def in_processes() -> Callable[[Callable[[], object], list[list[Call]]], list[list[Any]]]:
    """Open the port and make the calls, a Python process for each list, all let go together.

    A call is (method, arguments, keyword arguments); what comes back are its result or exception.
    """

    def run(opener: Callable[[], object], lists: list[list[Call]]) -> list[list[Any]]:
        with ExitStack() as stack:
            workers = [
                stack.enter_context(
                    subprocess.Popen(
                        [sys.executable, "-c", _WORKER, pickle.dumps((opener, calls)).hex()],
                        stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE,
                    )
                )
                for calls in lists
            ]
            pipes = [(w.stdin, w.stdout) for w in workers if w.stdin and w.stdout]
            for _, stdout in pipes:
                assert stdout.readline() == b"ready\n"
            for stdin, _ in pipes:
                stdin.close()
            return [pickle.loads(stdout.read()) for _, stdout in pipes]

    return run
