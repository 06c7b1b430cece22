"""Blobs as the objects of one Cloud Storage bucket."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import urllib3
from google.api_core import exceptions as google_errors
from google.auth.exceptions import GoogleAuthError, TransportError
from google.cloud.storage import Client
from google.cloud.storage.exceptions import DataCorruption, InvalidResponse
from google.cloud.storage.retry import DEFAULT_RETRY

from ocellus.adapters.gcp.storage_signing import UrlSigner
from ocellus.blob_names import is_blob_name, parse_blob_name
from ocellus.errors import AlreadyExists, InvalidSetting, NotFound, StoreUnavailable
from ocellus.signed_upload import SignedUpload

TIMEOUT_S = 10.0
"""For a connection, and for the next bytes of an answer."""
DEADLINE_S = 20.0
"""After which nothing is tried again."""

# Source: https://cloud.google.com/storage/docs/buckets#naming
_BUCKET_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{1,220}[a-z0-9]")
_WRITE_ID = "ocellus-write"
_UNAVAILABLE = (
    google_errors.GoogleAPIError,
    TransportError,
    DataCorruption,
    InvalidResponse,
    OSError,  # those of requests among them
    urllib3.exceptions.HTTPError,
)


class StorageBlobs:
    """Blobs as the objects of one Cloud Storage bucket, named `prefix` + name.

    Every object carries an id of the write that made it, so that a writer knows its own object
    again when an answer was lost and the library's second try met it. Objects whose names are no
    blob names (folders made in the console) are not listed. Threads may share an instance.
    """

    def __init__(self, bucket: str, prefix: str = "") -> None:
        """Open the bucket; nothing is sent before the first call.

        STORAGE_EMULATOR_HOST leads to an emulator, without credentials.

        Raises: InvalidSetting if the name can be no bucket's or no credentials are to be had.
        """
        if not _BUCKET_NAME.fullmatch(bucket):
            raise InvalidSetting(
                f"{bucket[:80]!r} can be no bucket's name.",
                "Set the name alone, as in 'my-project-models': no gs:// and no folder.",
            )
        try:
            self._bucket = Client(project=None).bucket(bucket)
        except (GoogleAuthError, OSError, ValueError) as e:
            raise InvalidSetting(
                f"The bucket {bucket!r} cannot be opened: {e}",
                "Set GOOGLE_APPLICATION_CREDENTIALS to a key file or run `gcloud auth"
                " application-default login`; for an emulator set STORAGE_EMULATOR_HOST.",
            ) from e
        self._signer = UrlSigner(self._bucket.client)
        self._prefix = prefix
        self._found_bucket = False
        self._limits = {"timeout": TIMEOUT_S, "retry": DEFAULT_RETRY.with_timeout(DEADLINE_S)}

    def get(self, name: str, *, generation: int | None = None) -> bytes:
        blob = self._blob(name)
        with self._errors_translated():
            try:
                data: bytes = blob.download_as_bytes(if_generation_match=generation, **self._limits)
            except (google_errors.NotFound, google_errors.PreconditionFailed) as e:
                self._find_bucket()
                raise NotFound(f"There is no blob {name!r} in {self._bucket.name}.") from e
            return data

    def put(self, name: str, data: bytes, *, overwrite: bool = False) -> None:
        blob = self._blob(name)
        write_id = uuid.uuid4().hex
        blob.metadata = {_WRITE_ID: write_id}
        with self._errors_translated():
            try:
                blob.upload_from_string(
                    data,
                    content_type="application/octet-stream",
                    if_generation_match=None if overwrite else 0,
                    **self._limits,
                )
            except google_errors.PreconditionFailed as e:
                if self._write_id(name) != write_id:
                    raise AlreadyExists(
                        f"The name {name!r} is taken in {self._bucket.name}."
                    ) from e

    def exists(self, name: str) -> bool:
        blob = self._blob(name)
        with self._errors_translated():
            found: bool = blob.exists(**self._limits)
            if not found:
                self._find_bucket()
            return found

    def list(self, prefix: str = "") -> list[str]:
        with self._errors_translated():
            blobs = self._bucket.list_blobs(
                prefix=self._prefix + prefix,
                fields="items(name),nextPageToken",
                **self._limits,
            )
            names = [blob.name.removeprefix(self._prefix) for blob in blobs]
        return sorted(name for name in names if is_blob_name(name))

    def delete(self, name: str, *, generation: int | None = None) -> None:
        blob = self._blob(name)
        with self._errors_translated():
            try:
                blob.delete(if_generation_match=generation, **self._limits)
            except (google_errors.NotFound, google_errors.PreconditionFailed):
                self._find_bucket()

    def sign_upload(
        self, name: str, content_type: str, max_bytes: int, expires_s: int
    ) -> SignedUpload:
        blob = self._blob(name)
        headers = {
            "Content-Type": content_type,
            "x-goog-content-length-range": f"0,{max_bytes}",
            "x-goog-if-generation-match": "0",
        }
        try:
            url = blob.generate_signed_url(
                version="v4",
                method="PUT",
                expiration=expires_s,
                headers=dict(headers),  # the library adds to it
                credentials=self._signer.key,
            )
        except (*_UNAVAILABLE, GoogleAuthError) as e:
            raise StoreUnavailable(
                f"The upload cannot be signed: {e}.",
                "Give this service account the role roles/iam.serviceAccountTokenCreator on itself;"
                " if it has it, try again.",
            ) from e
        return SignedUpload(url, headers)

    def start_upload(
        self, name: str, content_type: str, size_bytes: int, origin: str | None = None
    ) -> str:
        """Start a session here and hand out its URI, as Google recommends over a signed request
        to start one: one signature less, and the client has but one URL. The condition that the
        name is free is part of the URI and is checked when the last byte has come.

        Source: https://cloud.google.com/storage/docs/resumable-uploads#session-uris
        """
        blob = self._blob(name)
        with self._errors_translated():
            url: str = blob.create_resumable_upload_session(
                content_type, size_bytes, origin, if_generation_match=0, **self._limits
            )
            return url

    def _blob(self, name: str) -> Any:
        return self._bucket.blob(self._prefix + parse_blob_name(name))

    def _write_id(self, name: str) -> str | None:
        """Return the id of the write that made the blob, None if the blob is gone."""
        blob = self._bucket.get_blob(self._prefix + name, **self._limits)
        return (blob.metadata or {}).get(_WRITE_ID) if blob else None

    def _find_bucket(self) -> None:
        """Tell an absent bucket from an absent object, for which the answer is the same.

        Raises: google_errors.NotFound if it is the bucket.
        """
        if not self._found_bucket:
            next(iter(self._bucket.list_blobs(max_results=1, **self._limits)), None)
            self._found_bucket = True

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except google_errors.NotFound as e:
            raise StoreUnavailable(
                f"There is no bucket {self._bucket.name!r}.",
                "Create it, or name the right one in the settings.",
            ) from e
        except _UNAVAILABLE as e:
            if isinstance(e, google_errors.Forbidden | google_errors.Unauthorized):
                raise self._refused(e) from e
            raise StoreUnavailable(
                f"The bucket {self._bucket.name!r} cannot be used: {e}.",
                "Try again; if it persists, see that Cloud Storage can be reached.",
            ) from e
        except GoogleAuthError as e:
            raise self._refused(e) from e

    def _refused(self, error: Exception) -> StoreUnavailable:
        return StoreUnavailable(
            f"Cloud Storage refuses access to the bucket {self._bucket.name!r}: {error}.",
            "Give this service account the role roles/storage.objectUser on the bucket.",
        )
