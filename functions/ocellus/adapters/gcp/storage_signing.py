"""Who signs a URL: a key at hand, else IAM in the name of this service account."""

from __future__ import annotations

import hashlib
from functools import cached_property
from typing import Any

import google.auth
from google.auth.credentials import AnonymousCredentials, Signing
from google.auth.iam import Signer
from google.auth.transport.requests import Request

from ocellus.errors import StoreUnavailable

_SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)  # IAM takes no storage scope


class EmulatorKey(Signing):
    """Signs with a digest that anybody can make, for an emulator to check."""

    signer = None
    signer_email = "emulator@localhost"

    def sign_bytes(self, message: bytes) -> bytes:
        return hashlib.sha256(message).digest()


class IamKey(Signing):
    """Signs with a key that only IAM holds: one call of signBlob a signature, all over the same
    connections (a new one to Google takes longer than the call). Threads may share it.
    """

    def __init__(self, credentials: Any, request: Request) -> None:
        """Ask whose credentials they are, which those of an instance learn with their token.

        Raises: GoogleAuthError; StoreUnavailable if they are a person's.
        """
        if not credentials.valid:
            credentials.refresh(request)
        self._email = getattr(credentials, "service_account_email", None)
        if self._email is None:
            raise StoreUnavailable(
                "A person's credentials cannot sign an upload.",
                "Set GOOGLE_APPLICATION_CREDENTIALS to a service account's key file, or run `gcloud"
                " auth application-default login --impersonate-service-account=…`.",
            )
        self._signer = Signer(request, credentials, self._email)

    @property
    def signer(self) -> Signer:
        return self._signer

    @property
    def signer_email(self) -> str:
        return str(self._email)

    def sign_bytes(self, message: bytes) -> bytes:
        signature: bytes = self._signer.sign(message)
        return signature


class UrlSigner:
    """Finds the key at the first signing and keeps it. Threads may share it."""

    def __init__(self, client: Any) -> None:
        self._emulated = isinstance(client._credentials, AnonymousCredentials)

    @cached_property
    def key(self) -> Signing:
        """What `Blob.generate_signed_url` takes as credentials.

        Source: https://cloud.google.com/storage/docs/access-control/signing-urls-with-helpers

        Raises: GoogleAuthError; StoreUnavailable if these credentials cannot sign.
        """
        if self._emulated:
            return EmulatorKey()
        credentials = google.auth.default(_SCOPES)[0]
        if isinstance(credentials, Signing):
            return credentials
        return IamKey(credentials, Request())
