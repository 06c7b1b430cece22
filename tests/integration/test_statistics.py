"""Statistics at scale: through real function processes, into Firestore."""

from __future__ import annotations

import threading
from collections import Counter, deque
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import load
import pytest
from deployed import deployed
from emulators.firestore import FirestoreEmulator
from emulators.firestore_proxy import Fault, FirestoreProxy
from emulators.relay import Relay
from emulators.storage import StorageEmulator
from grpc import StatusCode
from pictures import picture
from seeded import seeded
from server import until
from tiny_version import TinyVersion

from ocellus.adapters.gcp.firestore_database import DEADLINE_S
from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.summary import summarise
from ocellus.versions import Pointer


@pytest.fixture
def environ(
    firestore_project: str, storage_bucket: str, tiny_version: TinyVersion, tmp_path: Path
) -> dict[str, str]:
    """What a function of a deployment needs, v1 in service there and v2 beside it."""
    environ = seeded(firestore_project, storage_bucket, tiny_version.write(tmp_path / "seed"))
    with closing(FirestoreState(firestore_project)) as state:
        tiny_version.install(StorageBlobs(storage_bucket), state, "v2")
    return environ


@pytest.fixture
def state(firestore_project: str) -> Iterator[FirestoreState]:
    with closing(FirestoreState(firestore_project)) as state:
        yield state


@pytest.fixture
def proxy(firestore_emulator: FirestoreEmulator) -> Iterator[FirestoreProxy]:
    proxy = FirestoreProxy(firestore_emulator.host)
    yield proxy
    proxy.stop()


def assert_counted(state: FirestoreState, answers: load.Answers) -> None:
    """The shards, and the public document, tell of these answers and of no other."""
    counts = state.counts()
    assert counts["predictions"] == counts["label:red"] == answers.count
    assert sum(n for name, n in counts.items() if name.startswith("latency:")) == answers.count
    published = state.statistics()
    assert published == summarise(counts, published.updated_at)


def test_ten_thousand_predictions_are_counted_exactly_in_a_hundred_writes(
    environ: dict[str, str], state: FirestoreState, proxy: FirestoreProxy, tmp_path: Path
) -> None:
    environ["FIRESTORE_EMULATOR_HOST"] = proxy.host
    turns = iter(range(10_000))
    with (
        deployed("predict", environ, tmp_path / "one.log", "http") as one,
        deployed("predict", environ, tmp_path / "two.log", "http") as two,
    ):
        answers = load.predict(
            (one, two), picture("red"), 50, lambda: next(turns, None) is not None
        )
    assert answers.statuses == {200: 10_000}
    assert_counted(state, answers)
    writes = Counter(path.partition("/")[0] for path in proxy.writes)
    print(f"{dict(writes)} for {answers.count} predictions")
    assert set(writes) == {"statistics", "public"}
    assert writes.total() <= 100


def test_a_lone_prediction_is_published_at_once_and_a_second_soon(
    environ: dict[str, str], state: FirestoreState, tmp_path: Path
) -> None:
    with deployed("predict", environ, tmp_path / "log", "http") as url:
        predict = partial(httpx.post, f"{url}/api/predict", content=picture("red"), timeout=60)
        assert predict().status_code == 200
        until(lambda: state.statistics().predictions == 1, 10, "the first")
        assert predict().status_code == 200
        until(lambda: state.statistics().predictions == 2, 10, "the second, which none follows")


def test_a_lost_answer_counts_nothing_twice(
    environ: dict[str, str], proxy: FirestoreProxy, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", proxy.host)
    with closing(FirestoreState(environ["OCELLUS_PROJECT"])) as state:
        lost = [Fault(StatusCode.UNAVAILABLE, done=True)] * 2
        for number in range(1, 6):
            proxy.faults["Commit"] = deque(lost)
            state.add_counts({"predictions": 1}, "one", number, now=1.0)
            proxy.faults["Commit"] = deque(lost)
            state.publish_statistics(now=float(number))
        assert state.counts() == {"predictions": 5}
        assert state.statistics().predictions == 5
    assert len(proxy.writes) > 10  # more than one attempt each


class Service:
    """Two instances of predict, whose stores can be lost, under a load that does not pause."""

    def __init__(self, urls: list[str]) -> None:
        self._urls, self._http = urls, httpx.Client(timeout=10)
        self.answers, self._enough = load.Answers(), threading.Event()
        arguments = (urls, picture("red"), 4, lambda: not self._enough.is_set(), self.answers)
        self._loader = threading.Thread(target=load.predict, args=arguments)
        self._loader.start()

    def get(self, path: str) -> list[Any]:
        return [self._http.get(url + path).json() for url in self._urls]

    def health(self) -> list[Any]:
        return self.get("/api/health")

    def knows_that_the_store_is_gone(self) -> bool:
        faults = [(h["fault"], h["statistics"]["fault"]) for h in self.health()]
        return all(f and "Firestore cannot be used" in f["detail"] for pair in faults for f in pair)

    def is_well_with(self, version: str) -> bool:
        return all(h["status"] == "ok" and h["serving"] == version for h in self.health())

    def stop(self) -> None:
        self._enough.set()
        self._loader.join()
        self._http.close()


@pytest.fixture
def relays(
    environ: dict[str, str],
    firestore_emulator: FirestoreEmulator,
    storage_emulator: StorageEmulator,
) -> Iterator[list[Relay]]:
    """What stands between the functions and their stores."""
    relays = [Relay(firestore_emulator.host), Relay(storage_emulator.url.removeprefix("http://"))]
    environ["FIRESTORE_EMULATOR_HOST"] = relays[0].address
    environ["STORAGE_EMULATOR_HOST"] = f"http://{relays[1].address}"
    yield relays
    for relay in relays:
        relay.stop()


@pytest.mark.parametrize("lose", [Relay.silence, Relay.cut])
def test_a_store_lost_under_load_fails_no_prediction_and_is_found_again(
    lose: Callable[[Relay], None],
    relays: list[Relay],
    environ: dict[str, str],
    state: FirestoreState,
    tmp_path: Path,
) -> None:
    with (
        deployed("predict", environ, tmp_path / "one.log", "http") as one,
        deployed("predict", environ, tmp_path / "two.log", "http") as two,
    ):
        service = Service([one, two])
        try:
            until(lambda: service.is_well_with("v1"), 60, "both to serve")
            for relay in relays:
                lose(relay)
            until(service.knows_that_the_store_is_gone, 60, "health to say what is stale")
            assert {h["status"] for h in service.health()} == {"degraded"}
            assert min(h["statistics"]["waiting"] for h in service.health()) > 0
            assert min(u["instance_uptime_s"] for u in service.get("/api/model/uptime")) > 0
            state.move_pointer(Pointer("v2", "v1", 2.0, "a person", ""), "v1")
            for relay in relays:
                relay.restore()
            until(lambda: service.is_well_with("v2"), 120, "recovery")
        finally:
            service.stop()
    answers = service.answers
    assert answers.statuses == {200: answers.count}
    assert max(answers.took_s) < DEADLINE_S  # none waited for the store to be given up
    assert_counted(state, answers)
