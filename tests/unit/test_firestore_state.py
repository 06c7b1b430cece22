"""What FirestoreState says when Firestore cannot be had."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from google.api_core import exceptions as google_errors

from ocellus.adapters.gcp import firestore_database
from ocellus.adapters.gcp.firestore_state import FirestoreState
from ocellus.errors import InvalidSetting, StoreUnavailable
from ocellus.runs import RunStatus


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch) -> Iterator[FirestoreState]:
    """State whose server is not there."""
    monkeypatch.setattr(firestore_database, "DEADLINE_S", 0.3)
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        monkeypatch.setenv("FIRESTORE_EMULATOR_HOST", f"127.0.0.1:{unused.getsockname()[1]}")
        with closing(FirestoreState("project")) as state:
            yield state


def test_an_unreachable_server_is_store_unavailable(state: FirestoreState) -> None:
    with pytest.raises(StoreUnavailable):
        state.pointer()
    with pytest.raises(StoreUnavailable):
        state.versions()
    with pytest.raises(StoreUnavailable):
        state.claim("event", now=0.0)
    with pytest.raises(StoreUnavailable):
        state.add_counts({"a": 1}, "writer", 1, now=0.0)


@pytest.mark.parametrize("error", [google_errors.PermissionDenied, google_errors.Unauthenticated])
def test_a_refused_access_names_the_role_to_give(
    state: FirestoreState,
    monkeypatch: pytest.MonkeyPatch,
    error: type[google_errors.GoogleAPICallError],
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise error("Missing or insufficient permissions.")

    monkeypatch.setattr(state._client, "get_all", refuse)
    with pytest.raises(StoreUnavailable, match=r"roles/datastore\.user"):
        state.pointer()


def test_without_credentials_the_variables_to_set_are_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_APPLICATION_CREDENTIALS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(InvalidSetting, match="GOOGLE_APPLICATION_CREDENTIALS"):
        FirestoreState("project")


def test_without_a_project_the_variable_to_set_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in ("FIRESTORE_EMULATOR_HOST", "GOOGLE_CLOUD_PROJECT"):
        monkeypatch.delenv(name, raising=False)
    key = tmp_path / "person.json"
    person = {"type": "authorized_user", "client_id": "a", "client_secret": "b"}
    key.write_text(json.dumps(person | {"refresh_token": "c"}))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    with pytest.raises(InvalidSetting, match=r"could not be determined.* Set OCELLUS_PROJECT"):
        FirestoreState()


def test_a_run_ends_without_a_version_only_failed_or_cancelled(state: FirestoreState) -> None:
    with pytest.raises(ValueError, match="promoted"):
        state.end_run("r1", RunStatus.PROMOTED, "", now=1.0)


def test_the_embedded_back_end_does_not_load_googles_libraries() -> None:
    script = "import ocellus.bootstrap, sys; print(*sys.modules)"
    loaded = subprocess.check_output([sys.executable, "-c", script], text=True).split()
    assert "ocellus.bootstrap" in loaded
    assert not {"grpc", "google.api_core", "google.auth", "google.cloud.firestore"} & {*loaded}
