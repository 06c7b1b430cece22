"""The contract of Blobs: what was stored under a name at a time."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from ocellus.errors import NotFound
from ocellus.ports import Blobs

GenerationOf = Callable[[str], int]


def test_every_write_has_another_generation(blobs: Blobs, generation_of: GenerationOf) -> None:
    blobs.put("a/b", b"same")
    first = generation_of("a/b")
    blobs.put("a/b", b"same", overwrite=True)
    assert generation_of("a/b") != first
    assert min(first, generation_of("a/b")) > 0


def test_get_returns_the_generation_asked_for(blobs: Blobs, generation_of: GenerationOf) -> None:
    blobs.put("a/b", b"x")
    assert blobs.get("a/b", generation=generation_of("a/b")) == b"x"


def test_get_of_an_overwritten_generation_is_not_found(
    blobs: Blobs, generation_of: GenerationOf
) -> None:
    blobs.put("a/b", b"first")
    first = generation_of("a/b")
    blobs.put("a/b", b"second", overwrite=True)
    with pytest.raises(NotFound):
        blobs.get("a/b", generation=first)


def test_delete_removes_the_generation_asked_for(blobs: Blobs, generation_of: GenerationOf) -> None:
    blobs.put("a/b", b"x")
    blobs.delete("a/b", generation=generation_of("a/b"))
    assert blobs.list() == []


def test_delete_of_an_overwritten_generation_leaves_the_newer_one(
    blobs: Blobs, generation_of: GenerationOf
) -> None:
    blobs.put("a/b", b"first")
    first = generation_of("a/b")
    blobs.put("a/b", b"second", overwrite=True)
    blobs.delete("a/b", generation=first)
    assert blobs.get("a/b") == b"second"


@pytest.mark.parametrize("name", ["absent", "absent/too", "a", "a/b/c"])
def test_no_generation_of_an_absent_blob_is_there(blobs: Blobs, name: str) -> None:
    blobs.put("a/b", b"x")
    with pytest.raises(NotFound):
        blobs.get(name, generation=1)
    blobs.delete(name, generation=1)
    assert blobs.list() == ["a/b"]


def test_a_generation_deleted_while_it_is_overwritten_takes_no_newer_one_with_it(
    blobs: Blobs, generation_of: GenerationOf, in_threads: Any
) -> None:
    for i in range(30):
        blobs.put("a/b", b"old", overwrite=True)
        delete = partial(blobs.delete, "a/b", generation=generation_of("a/b"))
        put = partial(blobs.put, "a/b", b"%d" % i, overwrite=True)
        assert in_threads([delete, put]) == [None] * 2
        assert blobs.get("a/b") == b"%d" % i
