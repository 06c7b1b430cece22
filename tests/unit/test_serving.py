"""Serving: one instance follows the pointer, whatever goes wrong."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fakes import Clock, Faulty, MemoryBlobs, MemoryState
from pictures import picture
from server import until
from tiny_version import LABELS, TinyVersion

from ocellus import serving
from ocellus.errors import NotFound, StoreUnavailable
from ocellus.manifest import INT8, Manifest, blob_name
from ocellus.prediction import Classifier
from ocellus.serving import Serving, load_classifier, load_manifest
from ocellus.versions import Pointer

SHOUTED = [label.upper() for label in LABELS]


class Instance:
    """A store with v1, whose labels are in lower case, and v2 and v3, whose are in upper case;
    v1 in service; and one instance that serves it."""

    def __init__(self, tiny: TinyVersion, packaged: Path | None = None) -> None:
        self.memory, self.state_memory = MemoryBlobs(), MemoryState()
        self.blobs, self.state = Faulty(self.memory), Faulty(self.state_memory)
        tiny.install(self.memory, self.state_memory, "v1")
        for name in ("v2", "v3"):
            tiny.install(self.memory, self.state_memory, name, labels=SHOUTED)
        self.point_to("v1")
        self.clock = Clock()
        self.serving = Serving(
            self.blobs, self.state, refresh_s=2.0, packaged=packaged, clock=self.clock
        )

    def point_to(self, version: str) -> None:
        current = self.state_memory.pointer()
        previous = current.version if current else None
        self.state_memory.move_pointer(Pointer(version, previous, 1.0, "a", "b"), previous)

    def corrupt(self, version: str) -> None:
        self.memory.put(blob_name(version, INT8), b"garbage", overwrite=True)

    def label(self) -> str:
        return self.serving.classifier().classify(picture("red")).label


@pytest.fixture
def instance(tiny_version: TinyVersion) -> Instance:
    return Instance(tiny_version)


def test_nothing_is_loaded_before_the_first_request(instance: Instance) -> None:
    assert instance.serving.ready() is None
    assert instance.serving.version is None
    assert instance.state.calls == {}


def test_the_first_request_loads_the_pointers_version(instance: Instance) -> None:
    assert instance.label() == "red"
    assert (instance.serving.version, instance.serving.desired) == ("v1", "v1")
    assert instance.serving.fault is None


def test_many_first_requests_load_once(instance: Instance) -> None:
    with ThreadPoolExecutor(8) as pool:
        loaded = {id(c) for c in pool.map(lambda _: instance.serving.classifier(), range(8))}
    assert len(loaded) == 1
    assert instance.state.calls == {"pointer": 1}


def test_later_requests_do_not_touch_the_store(instance: Instance) -> None:
    instance.label()
    instance.state.down = instance.blobs.down = True
    assert instance.label() == "red"


def test_a_refresh_follows_the_pointer(instance: Instance) -> None:
    instance.label()
    instance.point_to("v2")
    instance.serving.refresh()
    assert instance.label() == "RED"
    assert (instance.serving.version, instance.serving.desired) == ("v2", "v2")


def test_a_refresh_without_news_loads_nothing(instance: Instance) -> None:
    instance.label()
    loads = instance.blobs.calls["get"]
    instance.serving.refresh()
    assert instance.blobs.calls["get"] == loads


def test_a_request_ends_with_the_version_it_began_with(instance: Instance) -> None:
    classifier = instance.serving.classifier()
    instance.point_to("v2")
    instance.serving.refresh()
    answer = classifier.classify(picture("red"))
    assert (answer.version, answer.label) == ("v1", "red")


def test_no_answer_fails_or_mixes_versions_while_they_change(instance: Instance) -> None:
    instance.label()
    image = picture("red")
    swapping = threading.Event()

    def ask() -> set[tuple[str, str]]:
        seen = set()
        while not swapping.is_set():
            answer = instance.serving.classifier().classify(image)
            seen.add((answer.version, answer.label))
        return seen

    with ThreadPoolExecutor(3) as pool:
        askers = [pool.submit(ask) for _ in range(3)]
        for i in range(20):
            instance.point_to(("v2", "v1")[i % 2])
            instance.serving.refresh()
        swapping.set()
        seen = set().union(*(asker.result() for asker in askers))
    assert seen <= {("v1", "red"), ("v2", "RED")}


def test_every_classifier_is_built_in_one_thread(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    built_in: list[str] = []

    def classifier(manifest: Manifest, artifact: bytes) -> Classifier:
        built_in.append(threading.current_thread().name)
        return Classifier(manifest, artifact)

    monkeypatch.setattr(serving, "Classifier", classifier)
    for _ in range(3):
        thread = threading.Thread(target=load_classifier, args=(instance.blobs, "v1"))
        thread.start()
        thread.join()
    assert len(built_in) == 3
    assert len(set(built_in)) == 1


def test_a_corrupted_artifact_keeps_the_old_version_and_shows_the_fault(
    instance: Instance,
) -> None:
    instance.label()
    instance.corrupt("v2")
    instance.point_to("v2")
    instance.clock.now = 1500.0
    instance.serving.refresh()
    assert instance.label() == "red"
    assert (instance.serving.version, instance.serving.desired) == ("v1", "v2")
    assert instance.serving.fault is not None
    assert "v2/model.tflite has 7 bytes of sha256" in instance.serving.fault.detail
    assert instance.serving.fault.since == 1500.0


def test_a_fault_keeps_its_start_until_it_is_over(instance: Instance) -> None:
    instance.label()
    instance.corrupt("v2")
    instance.point_to("v2")
    instance.serving.refresh()
    began = instance.clock.now
    instance.clock.now += 100
    instance.serving.refresh()
    assert instance.serving.fault is not None
    assert instance.serving.fault.since == began
    instance.point_to("v3")
    instance.serving.refresh()
    assert instance.serving.version == "v3"
    assert not instance.serving.fault


def test_a_store_that_is_down_is_a_fault_and_no_failure(instance: Instance) -> None:
    instance.label()
    instance.state.down = True
    instance.serving.refresh()
    assert instance.label() == "red"
    assert instance.serving.fault is not None
    assert "down" in instance.serving.fault.detail


def hold_pointer(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> tuple[threading.Event, threading.Event]:
    """Let State keep whoever asks for the pointer waiting: events of being asked, of answering."""
    entered, leave = threading.Event(), threading.Event()
    pointer = instance.state_memory.pointer

    def slow() -> Pointer | None:
        entered.set()
        assert leave.wait(10)
        return pointer()

    monkeypatch.setattr(instance.state_memory, "pointer", slow)
    return entered, leave


def test_a_store_that_does_not_answer_is_a_fault_before_it_fails(
    instance: Instance, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance.label()
    entered, leave = hold_pointer(instance, monkeypatch)
    with ThreadPoolExecutor(1) as pool:
        look = pool.submit(instance.serving.refresh)
        assert entered.wait(10)
        asked_at = instance.clock.now
        assert instance.serving.fault is None
        instance.clock.now += 5
        assert instance.serving.fault is not None
        assert instance.serving.fault.since == asked_at
        leave.set()
        look.result()
    assert instance.serving.fault is None


def test_the_service_began_with_the_first_version(instance: Instance) -> None:
    assert instance.serving.service_since() == 1.0
    instance.state.down = True
    assert instance.serving.service_since() == 1.0
    assert instance.state.calls["service_since"] == 1


def test_since_when_the_service_is_up_is_unknown_while_the_store_is_down(
    instance: Instance,
) -> None:
    instance.state.down = True
    assert instance.serving.service_since() is None
    instance.state.down = False
    assert instance.serving.service_since() == 1.0


def test_a_refresh_is_due_after_its_time(instance: Instance) -> None:
    instance.label()
    assert not instance.serving.refresh_due()
    instance.clock.now += 2
    assert instance.serving.refresh_due()


def test_a_refresh_is_due_to_one_caller(instance: Instance) -> None:
    instance.label()
    instance.clock.now += 2
    assert [instance.serving.refresh_due() for _ in range(3)] == [True, False, False]


def test_faults_back_off_up_to_half_a_minute(instance: Instance) -> None:
    instance.label()
    instance.state.down = True
    waits = []
    for _ in range(7):
        instance.serving.refresh()
        before = instance.clock.now
        while not instance.serving.refresh_due():
            instance.clock.now += 1
        waits.append(instance.clock.now - before)
    assert waits == [4, 8, 16, 30, 30, 30, 30]


def test_after_a_fault_the_usual_pace_returns(instance: Instance) -> None:
    instance.label()
    instance.state.down = True
    instance.serving.refresh()
    instance.state.down = False
    instance.serving.refresh()
    instance.clock.now += 2
    assert instance.serving.refresh_due()


def test_one_refresher_at_a_time(instance: Instance, monkeypatch: pytest.MonkeyPatch) -> None:
    instance.label()
    entered, leave = hold_pointer(instance, monkeypatch)
    instance.clock.now += 2
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(instance.serving.refresh)
        assert entered.wait(10)
        assert not instance.serving.refresh_due()
        before = instance.state.calls["pointer"]
        instance.serving.refresh()  # returns at once
        assert instance.state.calls["pointer"] == before
        leave.set()
        first.result()


def test_the_packaged_version_answers_when_the_store_is_down_at_start(
    tiny_version: TinyVersion, tmp_path: Path
) -> None:
    instance = Instance(tiny_version, tiny_version.write(tmp_path / "seed"))
    instance.state.down = True
    assert instance.label() == "red"
    assert (instance.serving.version, instance.serving.desired) == ("v1", None)
    assert instance.serving.fault is not None


def test_the_packaged_version_answers_while_the_store_does_not_at_start(
    tiny_version: TinyVersion, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance(tiny_version, tiny_version.write(tmp_path / "seed"))
    instance.point_to("v2")
    leave = threading.Event()
    pointer = instance.state_memory.pointer

    def slow() -> Pointer | None:
        assert leave.wait(10)
        return pointer()

    monkeypatch.setattr(instance.state_memory, "pointer", slow)
    monkeypatch.setattr(serving, "_PATIENCE_S", 0.05)
    assert instance.label() == "red"
    instance.clock.now += 5
    assert instance.serving.fault is not None
    leave.set()
    until(lambda: instance.serving.version == "v2", 10, "the pointer's version")
    assert (instance.label(), instance.serving.fault) == ("RED", None)


def test_the_store_is_followed_once_it_is_back(tiny_version: TinyVersion, tmp_path: Path) -> None:
    instance = Instance(tiny_version, tiny_version.write(tmp_path / "seed"))
    instance.point_to("v2")
    instance.state.down = True
    instance.label()
    instance.state.down = False
    instance.serving.refresh()
    assert instance.label() == "RED"
    assert instance.serving.fault is None


def test_a_corrupted_packaged_version_is_not_served(
    tiny_version: TinyVersion, tmp_path: Path
) -> None:
    folder = tiny_version.write(tmp_path / "seed")
    (folder / INT8).write_bytes(b"garbage")
    instance = Instance(tiny_version, folder)
    instance.state.down = True
    with pytest.raises(StoreUnavailable, match="store is down"):
        instance.label()


def test_a_start_without_any_version_says_what_to_do() -> None:
    serving = Serving(MemoryBlobs(), MemoryState(), refresh_s=2.0, packaged=None)
    with pytest.raises(StoreUnavailable, match="No model version is in service") as caught:
        serving.classifier()
    assert "ocellus train" in caught.value.remedy


def test_the_first_version_is_served_as_soon_as_there_is_one(tiny_version: TinyVersion) -> None:
    blobs, state = MemoryBlobs(), MemoryState()
    serving = Serving(blobs, state, refresh_s=2.0, packaged=None)
    with pytest.raises(StoreUnavailable):
        serving.classifier()
    tiny_version.install(blobs, state)
    state.move_pointer(Pointer("v1", None, 1.0, "a", "b"), None)
    assert serving.classifier().manifest.version == "v1"


def test_loading_a_version_that_is_not_there_names_it() -> None:
    for load in (load_manifest, load_classifier):
        with pytest.raises(NotFound, match="no version v9"):
            load(MemoryBlobs(), "v9")
