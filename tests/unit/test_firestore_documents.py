"""The table of documents, the rules and the indexes say the same."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from firestore_table import TABLE, WEB
from google.auth.credentials import AnonymousCredentials
from google.cloud.firestore import Client, CollectionReference, DocumentReference

from ocellus.adapters.gcp import firestore_documents

OVERRIDES: list[dict[str, Any]] = json.loads((WEB / "firestore.indexes.json").read_bytes())[
    "fieldOverrides"
]
ADAPTERS = Path(firestore_documents.__file__).parent
PANELS = WEB / "js"


def _collections(value: object) -> Iterator[str]:
    if isinstance(value, CollectionReference):
        yield value.id
    elif isinstance(value, DocumentReference):
        yield value.parent.id
    elif isinstance(value, list):
        for item in value:
            yield from _collections(item)


def test_every_collection_in_use_is_in_the_table() -> None:
    client = Client(project="p", credentials=AnonymousCredentials())  # type: ignore[no-untyped-call]
    used = {*_collections([*vars(firestore_documents.Documents(client)).values()])}
    assert used == TABLE.keys()


def test_the_rules_open_what_the_table_calls_readable_and_nothing_else() -> None:
    rules = (WEB / "firestore.rules").read_text()
    opened = re.findall(r"match /(\w+)/\S+ \{ allow (.*?); \}", rules)
    assert len(opened) == rules.count("allow")
    assert {name for name, _ in opened} == {name for name, row in TABLE.items() if row.public}
    assert {method for _, method in opened} <= {"get", "read"}


def test_what_expires_is_deleted() -> None:
    deleted = {(o["collectionGroup"], o["fieldPath"]) for o in OVERRIDES if o.get("ttl")}
    expiring = {(name, "expire_at") for name, row in TABLE.items() if "expire_at" in row.fields}
    assert deleted == expiring


def test_no_field_of_a_query_is_left_out_of_the_indexes() -> None:
    queried = set()
    for source in ADAPTERS.glob("*.py"):
        found = r'\.(\w+)\.(?:order_by|where)\((?:filter=FieldFilter\()?"(\w+)"'
        queried |= set(re.findall(found, source.read_text()))
    assert queried == {
        ("audit", "at"),
        ("runs", "number"),
        ("samples", "filed_at"),
        ("samples", "set_aside_by"),
        ("versions", "number"),
    }
    assert not queried & {(o["collectionGroup"], o["fieldPath"]) for o in OVERRIDES}


@pytest.mark.parametrize(
    "override", OVERRIDES, ids=lambda o: f"{o['collectionGroup']}.{o['fieldPath']}"
)
def test_an_override_is_of_a_known_collection_and_takes_the_index(override: dict[str, Any]) -> None:
    assert override["collectionGroup"] in TABLE
    assert override["indexes"] == []
