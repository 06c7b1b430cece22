"""Who signs a URL: a key at hand, else IAM in the name of this service account."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials, Credentials, Signing
from google.auth.transport.requests import Request

from ocellus.errors import StoreUnavailable

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)  # IAM takes no storage scope


class EmulatorKey(Signing):
    """Signs with a digest that anybody can make, for an emulator to check."""

    signer = None
    signer_email = "emulator@localhost"

    def sign_bytes(self, message: bytes) -> bytes:
        return hashlib.sha256(message).digest()


class UrlSigner:
    """Finds the credentials at the first signing and keeps them. Threads may share it."""

    def __init__(self, client: Any) -> None:
        self._emulated = isinstance(client._credentials, AnonymousCredentials)

    def arguments(self) -> dict[str, Any]:
        """Return what `Blob.generate_signed_url` needs in order to sign.

        Source: https://cloud.google.com/storage/docs/access-control/signing-urls-with-helpers

        Raises: GoogleAuthError; StoreUnavailable if these credentials cannot sign.
        """
        if self._emulated:
            return {"credentials": EmulatorKey()}
        credentials = self._credentials
        if isinstance(credentials, Signing):
            return {"credentials": credentials}
        if not credentials.valid:
            credentials.refresh(Request())
        email = getattr(credentials, "service_account_email", None)
        if email is None:
            raise StoreUnavailable(
                "A person's credentials cannot sign an upload.",
                "Set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, or run `gcloud"
                " auth application-default login --impersonate-service-account=…`.",
            )
        return {"service_account_email": email, "access_token": credentials.token}

    @cached_property
    def _credentials(self) -> Credentials:
        credentials: Credentials = google.auth.default(_SCOPES)[0]
        return credentials
