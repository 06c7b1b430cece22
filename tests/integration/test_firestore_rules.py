"""What a web client may do: the rules, asked over REST as anyone on the internet can."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from emulators.firestore import FirestoreEmulator
from firestore_table import TABLE
from google.cloud.firestore import Client

from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.audit import AuditEvent
from ocellus.runs import Mode
from ocellus.samples import Sample, sha256_of
from ocellus.versions import Pointer, Version

OWNER = "machine:42"
FILED_AT = 1_700_000_000.0
PUBLIC = {name for name, row in TABLE.items() if row.public}
LISTED = {"versions", "runs"}


@pytest.fixture
def database(firestore_project: str) -> Client:
    """Every kind of document, written as functions and trainers write them."""
    client = Client(project=firestore_project)
    with closing(FirestoreState(firestore_project)) as state:
        state.add_version(Version("v1", None, 1.0, 0.9, 10, "seed", "The seed."))
        state.move_pointer(Pointer("v1", None, 2.0, "admin", "by hand"), None)
        run = state.begin_run(
            trigger="person", mode=Mode.QUICK, include_set_aside=False, requested_by="admin",
            now=3.0, lease_s=90.0,
        )  # fmt: skip
        state.take_run(run.id, OWNER, now=4.0, lease_s=30.0)
        sample = Sample(sha256_of(b"cat"), "cat", "png", 10, FILED_AT, "upload")
        state.file_sample(sample, "bucket/cat.png#1")
        state.add_counts({"predictions": 1}, OWNER, 1, now=5.0)
        state.publish_statistics(now=5.0)
        state.record(AuditEvent(FILED_AT, "admin", "uploaded", {"new": 1}))
        v2 = Version("v2", "v1", 5.0, 0.95, 10, "promoted", "Better.")
        state.publish(run.id, OWNER, v2, Pointer("v2", "v1", 5.0, "run r2", "Better."), now=5.0)
    return client


@pytest.fixture
def paths(database: Client) -> dict[str, str]:
    """A document of each collection."""
    found = {c.id: next(iter(c.list_documents())).path for c in database.collections()}
    assert found.keys() == TABLE.keys()
    return found


class Anyone:
    """A client without credentials. `verb` is a method's name in the REST API, such as runQuery."""

    def __init__(self, host: str, project: str, http: httpx.Client) -> None:
        self.root = f"projects/{project}/databases/(default)/documents"
        self._url = f"http://{host}/v1/{self.root}"
        self._http = http

    def request(self, method: str, path: str, **more: Any) -> httpx.Response:
        return self._http.request(method, f"{self._url}/{path}", **more)

    def call(self, verb: str, body: dict[str, Any]) -> httpx.Response:
        return self._http.post(f"{self._url}:{verb}", json=body)


@pytest.fixture
def anyone(database: Client, firestore_emulator: FirestoreEmulator) -> Iterator[Anyone]:
    with httpx.Client() as http:
        yield Anyone(firestore_emulator.host, database.project, http)


def allowed(response: httpx.Response) -> bool:
    """Whether the rules let the request through; nothing else may have stopped it."""
    assert response.status_code in (200, 403), response.text
    if response.status_code == 403:
        body = response.json()
        error = (body[0] if isinstance(body, list) else body)["error"]
        assert error["status"] == "PERMISSION_DENIED"
    return response.status_code == 200


def query(collection: str, **more: Any) -> dict[str, Any]:
    return {"structuredQuery": {"from": [{"collectionId": collection, **more}]}}


def test_only_the_public_documents_can_be_read(anyone: Anyone, paths: dict[str, str]) -> None:
    read = {name for name, path in paths.items() if allowed(anyone.request("GET", path))}
    assert read == PUBLIC


def test_only_versions_and_runs_can_be_listed(anyone: Anyone, paths: dict[str, str]) -> None:
    assert {name for name in paths if allowed(anyone.request("GET", name))} == LISTED
    asked = {name for name in paths if allowed(anyone.call("runQuery", query(name)))}
    assert asked == LISTED
    group = {
        name for name in paths if allowed(anyone.call("runQuery", query(name, allDescendants=True)))
    }
    assert group == set()
    assert not allowed(anyone.call("listCollectionIds", {}))


def test_what_the_page_lists_is_listed_newest_first(anyone: Anyone, paths: dict[str, str]) -> None:
    newest = query("versions")
    newest["structuredQuery"] |= {
        "orderBy": [{"field": {"fieldPath": "number"}, "direction": "DESCENDING"}],
        "limit": 8,
    }
    answer = anyone.call("runQuery", newest).raise_for_status().json()
    assert [found["document"]["fields"]["name"]["stringValue"] for found in answer] == ["v2", "v1"]


@pytest.mark.parametrize("kind", ["create", "update", "delete", "transform"])
def test_nothing_can_be_written(
    anyone: Anyone, database: Client, paths: dict[str, str], kind: str
) -> None:
    fields = {"fields": {"version": {"stringValue": "v9"}}}
    increment = [{"fieldPath": "predictions", "increment": {"integerValue": "1"}}]

    def write(path: str) -> httpx.Response:
        if kind == "create":
            collection = path.rpartition("/")[0]
            return anyone.request("POST", collection, params={"documentId": "new"}, json=fields)
        if kind == "update":
            return anyone.request("PATCH", path, json=fields)
        if kind == "delete":
            return anyone.request("DELETE", path)
        changed = {"update": {"name": f"{anyone.root}/{path}"}, "updateTransforms": increment}
        return anyone.call("commit", {"writes": [changed]})

    def content() -> dict[str, Any]:
        return {d.reference.path: d.to_dict() for c in database.collections() for d in c.stream()}

    before = content()
    tried = [*paths.values(), "public/other", "serving/other", "runs/r1/below/it", "new/one"]
    assert [path for path in tried if allowed(write(path))] == []
    assert content() == before


def test_no_public_document_names_the_trainers_machine(database: Client) -> None:
    public = {
        d.reference.path: d.to_dict() for n in PUBLIC for d in database.collection(n).stream()
    }
    assert OWNER not in repr(public)


@pytest.mark.parametrize(
    ("collection", "kept"), [("claims", timedelta(days=7)), ("audit", timedelta(days=365))]
)
def test_claims_and_history_expire(database: Client, collection: str, kept: timedelta) -> None:
    last = max(d.get("expire_at") for d in database.collection(collection).stream())
    assert last == datetime.fromtimestamp(FILED_AT, UTC) + kept
