"""Who signs uploads to Cloud Storage: a key file, IAM for a service account, no person."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import google.auth
import pytest
import requests
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from google.auth.credentials import Credentials
from google.oauth2.credentials import Credentials as PersonCredentials

from ocellus.adapters.gcp.storage_blobs import StorageBlobs
from ocellus.errors import StoreUnavailable

EMAIL = "api@project.iam.gserviceaccount.com"


class CloudRunCredentials(Credentials):
    """A service account's token from the metadata server, and no key."""

    service_account_email = EMAIL
    refreshes = 0

    def refresh(self, request: Any) -> None:
        self.refreshes += 1
        self.token = "token of the instance"


@pytest.fixture
def open_with(monkeypatch: pytest.MonkeyPatch) -> Callable[[Credentials], StorageBlobs]:
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)

    def open_blobs(credentials: Credentials) -> StorageBlobs:
        monkeypatch.setattr(google.auth, "default", lambda *_, **__: (credentials, None))
        return StorageBlobs("bucket")

    return open_blobs


@pytest.fixture
def answer(monkeypatch: pytest.MonkeyPatch) -> Callable[[int, Any], list[Any]]:
    """Answer every request so; return the list of the requests to come."""

    def start(status: int, content: Any) -> list[Any]:
        seen: list[Any] = []

        def send(adapter: Any, request: Any, **options: Any) -> requests.Response:
            seen.append(request)
            response = requests.Response()
            response.status_code, response._content = status, json.dumps(content).encode()
            return response

        monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
        return seen

    return start


def test_a_key_file_signs_without_asking_anyone(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: Callable[[int, Any], list[Any]],
) -> None:
    pem = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    key = {
        "type": "service_account",
        "client_email": EMAIL,
        "private_key": pem.decode(),
        "token_uri": "https://oauth2.googleapis.com/token",
    }
    (tmp_path / "key.json").write_text(json.dumps(key))
    monkeypatch.delenv("STORAGE_EMULATOR_HOST", raising=False)
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "key.json"))
    seen = answer(500, {})
    url = urlsplit(StorageBlobs("bucket", "in/").sign_upload("cat/1.png", "image/png", 9, 60).url)
    query = parse_qs(url.query)
    assert (url.scheme, url.netloc, url.path) == (
        "https",
        "storage.googleapis.com",
        "/bucket/in/cat/1.png",
    )
    assert query["X-Goog-Credential"][0].startswith(f"{EMAIL}/")
    assert query["X-Goog-SignedHeaders"] == [
        "content-type;host;x-goog-content-length-range;x-goog-if-generation-match"
    ]
    assert seen == []


def test_on_cloud_run_iam_signs_in_the_name_of_the_service_account(
    open_with: Callable[[Credentials], StorageBlobs], answer: Callable[[int, Any], list[Any]]
) -> None:
    seen = answer(200, {"signedBlob": base64.b64encode(b"signed").decode()})
    signed = open_with(CloudRunCredentials()).sign_upload("cat/1.png", "image/png", 9, 60)
    assert signed.url.endswith("&X-Goog-Signature=" + b"signed".hex())
    assert [request.url.partition("?")[0] for request in seen] == [
        f"https://iamcredentials.googleapis.com/v1/projects/-/serviceAccounts/{EMAIL}:signBlob"
    ]
    assert seen[0].headers["Authorization"] == "Bearer token of the instance"


def test_a_refusal_says_which_role_to_give(
    open_with: Callable[[Credentials], StorageBlobs], answer: Callable[[int, Any], list[Any]]
) -> None:
    answer(403, {"error": "iam.serviceAccounts.signBlob denied"})
    blobs = open_with(CloudRunCredentials())
    with pytest.raises(StoreUnavailable, match=r"denied.*roles/iam\.serviceAccountTokenCreator"):
        blobs.sign_upload("cat/1.png", "image/png", 9, 60)


def test_a_person_is_told_to_sign_as_a_service_account(
    open_with: Callable[[Credentials], StorageBlobs],
) -> None:
    blobs = open_with(PersonCredentials("token"))
    with pytest.raises(StoreUnavailable, match="impersonate-service-account"):
        blobs.sign_upload("cat/1.png", "image/png", 9, 60)


def test_the_buckets_cors_lets_a_page_send_what_is_signed(
    open_with: Callable[[Credentials], StorageBlobs], answer: Callable[[int, Any], list[Any]]
) -> None:
    answer(200, {"signedBlob": base64.b64encode(b"signed").decode()})
    signed = open_with(CloudRunCredentials()).sign_upload("cat/1.png", "image/png", 9, 60)
    cors = Path(__file__).parents[2] / "infra" / "inbox-cors.json"
    (rule,) = json.loads(cors.read_text())
    # A resumable upload sends Content-Range and has to read Range.
    assert {*signed.headers, "Content-Range", "Range"} == set(rule["responseHeader"])
    assert rule["method"] == ["PUT"]


def test_signatures_share_a_token(
    open_with: Callable[[Credentials], StorageBlobs], answer: Callable[[int, Any], list[Any]]
) -> None:
    credentials = CloudRunCredentials()
    seen = answer(200, {"signedBlob": base64.b64encode(b"signed").decode()})
    blobs = open_with(credentials)
    for number in range(3):
        blobs.sign_upload(f"cat/{number}.png", "image/png", 9, 60)
    assert (len(seen), credentials.refreshes) == (3, 1)
