"""What an event tells of a dropped object, and what cannot be believed."""

from __future__ import annotations

import json
from typing import Any

import pytest

from ocellus.dropped import FINALIZED, Dropped, parse_dropped
from ocellus.errors import BadInput

OBJECT = {"bucket": "inbox", "name": "cat/1.png", "generation": "1700000000000001", "size": "42"}


def test_the_object_is_read_as_cloud_storage_tells_it() -> None:
    resource = OBJECT | {
        "kind": "storage#object",
        "metageneration": "1",
        "contentType": "image/png",
    }
    dropped = parse_dropped(FINALIZED, resource, "inbox")
    assert dropped == Dropped("inbox", "cat/1.png", 1700000000000001, 42)
    assert dropped.event == "inbox/cat/1.png/1700000000000001"


def test_numbers_may_come_as_numbers_and_a_size_of_zero_not_at_all() -> None:
    resource = {"bucket": "inbox", "name": "cat/", "generation": 7}
    assert parse_dropped(FINALIZED, resource, "inbox") == Dropped("inbox", "cat/", 7, 0)


@pytest.mark.parametrize("data", [None, "text", b"text", 7, ["inbox"], {}])
def test_an_event_without_an_object_is_refused(data: Any) -> None:
    with pytest.raises(BadInput, match="tells of no object|bucket None"):
        parse_dropped(FINALIZED, data, "inbox")


@pytest.mark.parametrize("kind", ["google.cloud.storage.object.v1.deleted", "", "x" * 10_000])
def test_another_type_of_event_is_refused(kind: str) -> None:
    with pytest.raises(BadInput, match="is of type") as refusal:
        parse_dropped(kind, OBJECT, "inbox")
    assert len(str(refusal.value)) < 300


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("bucket", "models", "the bucket 'models', not of 'inbox'"),
        ("bucket", None, "the bucket None"),
        ("bucket", ["inbox"], r"the bucket \['inbox'\]"),
        ("name", None, "names the object None"),
        ("name", "", "names the object ''"),
        ("name", "x" * 1025, "names the object 'xxx"),
        ("name", 7, "names the object 7"),
        ("name", json.loads(r'"cat/\ud800.png"'), r"names the object 'cat/\\ud800.png'"),
        ("generation", None, "'cat/1.png' the generation None"),
        ("generation", "", "the generation ''"),
        ("generation", "latest", "the generation 'latest'"),
        ("generation", "0", "the generation '0'"),
        ("generation", "-1", "the generation '-1'"),
        ("generation", "9" * 1000, "the generation '999"),
        ("generation", str(2**63), "the generation '9223372036854775808'"),
        ("generation", "٣", "the generation"),
        ("size", "many", "'cat/1.png' the size 'many'"),
        ("size", None, "the size None"),
        ("size", -1, "the size -1"),
        ("size", 1.5, "the size 1.5"),
        ("size", True, "the size True"),
        ("size", float("inf"), "the size inf"),
    ],
)
def test_a_malformed_field_is_refused_and_shown(field: str, value: Any, reason: str) -> None:
    with pytest.raises(BadInput, match=reason) as refusal:
        parse_dropped(FINALIZED, OBJECT | {field: value}, "inbox")
    assert len(str(refusal.value)) < 500
    assert str(refusal.value).isascii() or value == "٣"
