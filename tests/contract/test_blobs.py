"""The contract of Blobs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ocellus.errors import AlreadyExists, NotFound
from ocellus.ports import Blobs

NAMES = ["models/v1/manifest.json", "models/v1/plots/a.png", "models/v12/manifest.json", "top"]
WRONG_NAMES = [
    "",
    "/",
    "/etc/passwd",
    "a//b",
    "a/",
    "./a",
    "a/.",
    "../a",
    "a/../b",
    "..",
    ".a",
    "a\0b",
]


@pytest.fixture
def stored(blobs: Blobs) -> Blobs:
    for name in NAMES:
        blobs.put(name, name.encode())
    return blobs


def test_get_returns_what_was_put(blobs: Blobs) -> None:
    data = bytes(range(256)) * 1000
    blobs.put("models/v1/model.tflite", data)
    assert blobs.get("models/v1/model.tflite") == data


def test_an_empty_blob_is_a_blob(blobs: Blobs) -> None:
    blobs.put("empty", b"")
    assert blobs.get("empty") == b""
    assert blobs.exists("empty")
    assert blobs.list() == ["empty"]


@pytest.mark.parametrize("name", ["absent", "absent/too", "models", "top/below"])
def test_get_of_an_absent_blob_is_not_found(stored: Blobs, name: str) -> None:
    with pytest.raises(NotFound):
        stored.get(name)


@pytest.mark.parametrize("name", ["label with space/é+&().png", "samples/a.b/..c", "数字"])
def test_names_may_hold_whatever_a_label_may(blobs: Blobs, name: str) -> None:
    blobs.put(name, b"x")
    assert blobs.get(name) == b"x"
    assert blobs.list() == [name]


@pytest.mark.parametrize("name", WRONG_NAMES)
@pytest.mark.parametrize("method", ["get", "put", "exists", "delete"])
def test_what_is_no_name_is_a_value_error(blobs: Blobs, method: str, name: str) -> None:
    arguments = (name, b"x") if method == "put" else (name,)
    with pytest.raises(ValueError):  # noqa: PT011 (the contract sets no words)
        getattr(blobs, method)(*arguments)


@pytest.mark.parametrize("data", [b"second", b"first"])
def test_put_refuses_a_taken_name_and_keeps_what_is_there(blobs: Blobs, data: bytes) -> None:
    blobs.put("a/b", b"first")
    with pytest.raises(AlreadyExists):
        blobs.put("a/b", data)
    assert blobs.get("a/b") == b"first"


def test_put_with_overwrite_replaces(blobs: Blobs) -> None:
    blobs.put("a/b", b"first")
    blobs.put("a/b", b"second", overwrite=True)
    assert blobs.get("a/b") == b"second"


def test_put_with_overwrite_creates_what_is_absent(blobs: Blobs) -> None:
    blobs.put("a/b", b"first", overwrite=True)
    assert blobs.get("a/b") == b"first"


def test_exists_says_whether_a_blob_is_there(stored: Blobs) -> None:
    assert stored.exists("models/v1/manifest.json")
    assert not stored.exists("models/v1")
    assert not stored.exists("models/v2/manifest.json")


def test_what_one_opening_puts_another_gets(open_blobs: Callable[[], Blobs]) -> None:
    open_blobs().put("a", b"x")
    assert open_blobs().get("a") == b"x"


@pytest.mark.parametrize(
    ("prefix", "names"),
    [
        ("", NAMES),
        ("models/v1", NAMES[:3]),
        ("models/v1/", NAMES[:2]),
        ("models/v1/m", NAMES[:1]),
        ("models/v1/manifest.json", NAMES[:1]),
        ("t", NAMES[3:]),
        ("absent/", []),
        ("top/", []),
        ("/", []),
        ("../", []),
        ("models//", []),
    ],
)
def test_list_returns_the_names_with_the_prefix_sorted(
    stored: Blobs, prefix: str, names: list[str]
) -> None:
    assert stored.list(prefix) == names


def test_list_sorts_by_whole_names(blobs: Blobs) -> None:
    for name in ["a/b", "a.txt", "a-b", "B", "a/a"]:
        blobs.put(name, b"")
    assert blobs.list() == ["B", "a-b", "a.txt", "a/a", "a/b"]


def test_delete_removes_the_blob_and_nothing_else(stored: Blobs) -> None:
    stored.delete("models/v1/plots/a.png")
    assert not stored.exists("models/v1/plots/a.png")
    assert stored.list() == [NAMES[0], NAMES[2], NAMES[3]]


@pytest.mark.parametrize("name", ["absent", "absent/too", "models", "top/below"])
def test_delete_of_an_absent_blob_is_no_error(stored: Blobs, name: str) -> None:
    stored.delete(name)
    assert stored.list() == NAMES


def test_a_deleted_name_is_free_again(blobs: Blobs) -> None:
    blobs.put("a/b", b"first")
    blobs.delete("a/b")
    blobs.put("a/b", b"second")
    assert blobs.get("a/b") == b"second"


def test_of_many_threads_one_wins_a_name(blobs: Blobs, in_threads: Any) -> None:
    outcomes = in_threads([partial(blobs.put, "a/b/c", b"%d" % i) for i in range(20)])
    assert Counter(map(type, outcomes)) == {type(None): 1, AlreadyExists: 19}
    assert blobs.get("a/b/c") == b"%d" % outcomes.index(None)


def test_of_many_processes_one_wins_a_name(
    blobs: Blobs, open_blobs: Callable[[], Blobs], in_processes: Any
) -> None:
    names = [f"race/{i}/blob" for i in range(20)]
    calls = [[("put", (name, b"%d" % i), {}) for name in names] for i in range(3)]
    for name, outcomes in zip(
        names, zip(*in_processes(open_blobs, calls), strict=True), strict=True
    ):
        assert Counter(map(type, outcomes)) == {type(None): 1, AlreadyExists: 2}
        assert blobs.get(name) == b"%d" % outcomes.index(None)


def test_a_reader_sees_one_whole_blob_while_writers_replace_it(
    blobs: Blobs, in_threads: Any
) -> None:
    def write(letter: bytes) -> None:
        for _ in range(20):
            blobs.put("a", letter * 200_000, overwrite=True)

    def read() -> list[bytes]:
        return [blobs.get("a") for _ in range(40)]

    blobs.put("a", b"x" * 200_000)
    *_, seen = in_threads([partial(write, b"y"), partial(write, b"z"), read])
    assert {(len(data), len(set(data))) for data in seen} == {(200_000, 1)}


def test_puts_and_deletes_next_to_each_other_do_not_hinder_each_other(
    blobs: Blobs, in_threads: Any
) -> None:
    def put_and_delete(name: str) -> None:
        for _ in range(30):
            blobs.put(name, b"x")
            blobs.delete(name)

    names = [f"a/b/{i}" for i in range(4)]
    assert in_threads([partial(put_and_delete, name) for name in names]) == [None] * 4
    assert blobs.list() == []
