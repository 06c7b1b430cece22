"""What StorageBlobs does beyond the contract of Blobs: lost answers, faults, foreign objects."""

from __future__ import annotations

from typing import Any

import pytest
from disturbances import Disturb, Fault, always, lost, status
from emulators.storage import StorageEmulator
from google.cloud.storage import Client

from ocellus.adapters.gcp import storage_blobs
from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.errors import AlreadyExists, InvalidSetting, NotFound, StoreUnavailable

LARGE = 9 * 2**20
"""Above 8 MiB the library uploads in two steps: POST opens a session, PUT fills it."""


@pytest.fixture
def blobs(storage_bucket: str) -> StorageBlobs:
    return StorageBlobs(storage_bucket)


@pytest.mark.parametrize(("size", "method"), [(10, "POST"), (LARGE, "POST"), (LARGE, "PUT")])
@pytest.mark.parametrize("fault", [lost, status(503)])
def test_the_writer_whose_answer_was_lost_is_not_refused_for_its_own_blob(
    blobs: StorageBlobs, disturb: Disturb, size: int, method: str, fault: Fault
) -> None:
    disturb(method, iter([fault]))
    blobs.put("a", b"x" * size)
    assert blobs.get("a") == b"x" * size
    with pytest.raises(AlreadyExists):
        blobs.put("a", b"x" * size)


def test_a_large_blob_is_written_once(blobs: StorageBlobs) -> None:
    blobs.put("a", b"x" * LARGE)
    with pytest.raises(AlreadyExists):
        blobs.put("a", b"y" * LARGE)
    assert blobs.get("a") == b"x" * LARGE
    blobs.put("a", b"y" * LARGE, overwrite=True)
    assert blobs.get("a") == b"y" * LARGE


@pytest.mark.parametrize("fault", [lost, status(429), status(500), status(503)])
def test_a_passing_fault_is_not_seen(blobs: StorageBlobs, disturb: Disturb, fault: Fault) -> None:
    blobs.put("a", b"x")
    disturb("GET", iter([fault]))
    assert blobs.get("a") == b"x"


METHODS: list[tuple[str, str, tuple[Any, ...]]] = [
    ("GET", "get", ("a",)),
    ("GET", "exists", ("a",)),
    ("GET", "list", ()),
    ("POST", "put", ("b", b"x")),
    ("DELETE", "delete", ("a",)),
]


@pytest.mark.parametrize(("verb", "method", "arguments"), METHODS)
@pytest.mark.parametrize("fault", [lost, status(503)])
def test_a_fault_that_stays_is_store_unavailable(
    storage_bucket: str,
    disturb: Disturb,
    monkeypatch: pytest.MonkeyPatch,
    verb: str,
    method: str,
    arguments: tuple[Any, ...],
    fault: Fault,
) -> None:
    monkeypatch.setattr(storage_blobs, "DEADLINE_S", 0.01)
    blobs = StorageBlobs(storage_bucket)
    blobs.put("a", b"x")
    disturb(verb, always(fault))
    with pytest.raises(StoreUnavailable, match=f"bucket '{storage_bucket}' cannot be used"):
        getattr(blobs, method)(*arguments)


@pytest.mark.parametrize(("verb", "method", "arguments"), METHODS)
@pytest.mark.parametrize("code", [401, 403])
def test_a_refusal_says_which_role_to_give(
    blobs: StorageBlobs,
    disturb: Disturb,
    verb: str,
    method: str,
    arguments: tuple[Any, ...],
    code: int,
) -> None:
    blobs.put("a", b"x")
    disturb(verb, always(status(code)))
    with pytest.raises(StoreUnavailable, match=r"roles/storage\.objectUser"):
        getattr(blobs, method)(*arguments)


@pytest.mark.parametrize(("verb", "method", "arguments"), METHODS)
@pytest.mark.usefixtures("storage_bucket")
def test_an_absent_bucket_is_not_taken_for_an_absent_blob(
    verb: str, method: str, arguments: tuple[Any, ...]
) -> None:
    with pytest.raises(StoreUnavailable, match="no bucket 'bucket-absent'"):
        getattr(StorageBlobs("bucket-absent"), method)(*arguments)


def test_bytes_that_came_damaged_are_store_unavailable(
    blobs: StorageBlobs, storage_emulator: StorageEmulator, storage_bucket: str
) -> None:
    blobs.put("a", b"x")
    storage_emulator.damage(storage_bucket, "a")
    with pytest.raises(StoreUnavailable, match="[Cc]hecksum"):
        blobs.get("a")


def test_what_nobody_answers_is_store_unavailable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:9")  # discard: nobody listens
    monkeypatch.setattr(storage_blobs, "DEADLINE_S", 0.01)
    with pytest.raises(StoreUnavailable):
        StorageBlobs("bucket").get("a")


def test_opening_without_credentials_says_what_to_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", "/absent.json")
    with pytest.raises(InvalidSetting, match="Set GOOGLE_APPLICATION_CREDENTIALS"):
        StorageBlobs("bucket")


@pytest.mark.parametrize("name", ["", "gs://bucket", "bucket/folder", "My bucket", "-a"])
@pytest.mark.usefixtures("storage_bucket")
def test_what_can_be_no_buckets_name_is_refused_at_once(name: str) -> None:
    with pytest.raises(InvalidSetting, match="no bucket's name"):
        StorageBlobs(name)


def test_prefixes_keep_blobs_apart(storage_bucket: str) -> None:
    left, right = StorageBlobs(storage_bucket, "left/"), StorageBlobs(storage_bucket, "right/")
    left.put("a/b", b"left")
    right.put("a/c", b"right")
    assert left.list() == ["a/b"]
    assert left.list("a/") == ["a/b"]
    assert left.get("a/b") == b"left"
    with pytest.raises(NotFound):
        left.get("a/c")
    assert StorageBlobs(storage_bucket).list() == ["left/a/b", "right/a/c"]


def test_a_folder_made_in_the_console_is_not_listed(
    blobs: StorageBlobs, storage_bucket: str
) -> None:
    Client().bucket(storage_bucket).blob("cat/").upload_from_string(b"")
    blobs.put("cat/1.png", b"x")
    assert blobs.list() == ["cat/1.png"]
