"""One suite per port, run against every adapter.

To add an adapter, add a factory to `STATES`, `BLOBS` and `JOBS`. A State or Blobs factory returns
a picklable callable that opens the port, so that other processes can open it too. The factory
takes the request for its test's other fixtures.
"""

from __future__ import annotations

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
from contract_counts import ContractCounts
from google.cloud.storage import Client
from trainers import CloudRunTrainers, EmbeddedTrainers, Trainers

from ocellus.adapters.embedded.directory_blobs import DirectoryBlobs
from ocellus.adapters.embedded.directory_blobs import generation_of as generation_of_file
from ocellus.adapters.embedded.sqlite_state import SqliteState
from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.ports import Blobs, Jobs, State


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(ContractCounts(Path(__file__).parent))


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
def generation_of(blobs: Blobs, request: pytest.FixtureRequest) -> Callable[[str], int]:
    """Tells the generation that the event for a blob's last write gives."""
    if isinstance(blobs, DirectoryBlobs):
        folder = request.getfixturevalue("tmp_path") / "blobs"
        return lambda name: generation_of_file((folder / name).stat())
    bucket = Client().bucket(request.getfixturevalue("storage_bucket"))
    return lambda name: int(bucket.get_blob(name).generation)


@pytest.fixture
def blobs(open_blobs: Callable[[], Blobs]) -> Blobs:
    return open_blobs()


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
