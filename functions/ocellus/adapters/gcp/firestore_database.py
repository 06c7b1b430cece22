"""One Firestore database, safe to share between threads and processes.

Nothing here locks. A change is decided on documents as they were read, and is written in one batch
on condition that those it rests on are still the same; if one is not, it is decided again. The
server's locks, which transactions take, would make each writer wait for every other.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any, TypeAlias, TypeVar

from google.api_core import exceptions as google_errors
from google.api_core.retry import Retry, if_exception_type
from google.auth.exceptions import GoogleAuthError
from google.cloud.firestore import (
    Client,
    DocumentReference,
    DocumentSnapshot,
    LastUpdateOption,
    Query,
    WriteBatch,
)

from ocellus.adapters.gcp.firestore_documents import Documents
from ocellus.errors import InvalidSetting, StoreUnavailable

DEADLINE_S = 10.0
SCAN_DEADLINE_S = 300.0
"""For queries that return all of a collection."""

T = TypeVar("T")
Snapshot: TypeAlias = "DocumentSnapshot[DocumentReference]"

# As the library's own policies say.
_TRANSIENT_AT_WRITING = if_exception_type(
    google_errors.ResourceExhausted,
    google_errors.ServiceUnavailable,
)
_TRANSIENT_AT_READING = if_exception_type(
    google_errors.ResourceExhausted,
    google_errors.ServiceUnavailable,
    google_errors.InternalServerError,
    google_errors.DeadlineExceeded,
)
_OVERTAKEN = if_exception_type(
    google_errors.Aborted,
    google_errors.AlreadyExists,
    google_errors.FailedPrecondition,
    google_errors.NotFound,
)


class FirestoreDatabase:
    """The database's client, its reads, and changes that are all or nothing.

    After a fork, open it anew: its connection belongs to the parent.
    """

    def __init__(self, project: str | None = None, database: str | None = None) -> None:
        """Open the database (None: the default one) of the project (None: the environment's).

        FIRESTORE_EMULATOR_HOST leads to an emulator. Nothing is sent before the first call.

        Raises: InvalidSetting if no project or no credentials are to be had.
        """
        try:
            self._client = Client(project=project, database=database)
        except (GoogleAuthError, OSError) as e:
            raise InvalidSetting(
                f"Firestore cannot be opened: {e}",
                "Set OCELLUS_PROJECT to the project, and GOOGLE_APPLICATION_CREDENTIALS to a key"
                " file or run `gcloud auth application-default login`; for an emulator set"
                " FIRESTORE_EMULATOR_HOST.",
            ) from e
        self._documents = Documents(self._client)
        self._writing = Retry(_TRANSIENT_AT_WRITING, initial=0.1, maximum=2.0, timeout=DEADLINE_S)
        self._reading = self._writing.with_predicate(_TRANSIENT_AT_READING)
        self._again = Retry(_OVERTAKEN, initial=0.02, maximum=0.5, timeout=DEADLINE_S)

    def close(self) -> None:
        """Close the connection."""
        # Client.close() leaves the channel open.
        self._client._firestore_api.transport.close()

    def _get(self, *references: DocumentReference, at: datetime | None = None) -> list[Snapshot]:
        """Return the documents, absent ones too, as they are at one moment or were `at` it."""
        if not references:
            return []
        with _errors_translated():
            found = self._client.get_all(
                list(references), retry=self._reading, timeout=DEADLINE_S, read_time=at
            )
            by_path = {snapshot.reference.path: snapshot for snapshot in found}
        return [by_path[reference.path] for reference in references]

    def _query(
        self, query: Query, timeout_s: float = DEADLINE_S, at: datetime | None = None
    ) -> list[Snapshot]:
        """Return what the query finds at one moment, or found `at` it."""
        with _errors_translated():
            return list(query.get(retry=self._reading, timeout=timeout_s, read_time=at))

    def _decide(self, decide: Callable[[WriteBatch], T]) -> T:
        """Let `decide` read and fill the batch, write it, and return what `decide` returned.

        `decide` starts again if the batch cannot be written because another writer was faster; so
        it reads anew each time. What it reads at one moment may make it raise; what it writes
        rests only on what the batch makes conditions of.
        """

        def once() -> T:
            batch = self._client.batch()
            result = decide(batch)
            if len(batch):
                batch.commit(retry=self._writing, timeout=DEADLINE_S)
            return result

        with _errors_translated():
            return self._again(once)()


def fields_of(seen: Snapshot) -> dict[str, Any]:
    """Return the document's fields; an absent one has none."""
    return seen.to_dict() or {}


def store(batch: WriteBatch, seen: Snapshot, fields: dict[str, Any]) -> None:
    """Write the fields on condition that the document is still as it was `seen`."""
    if seen.exists:
        batch.update(seen.reference, fields, LastUpdateOption(seen.update_time))
    else:
        batch.create(seen.reference, fields)


@contextmanager
def _errors_translated() -> Iterator[None]:
    try:
        yield
    except google_errors.InvalidArgument:
        raise  # nothing that waiting mends
    except (google_errors.Forbidden, google_errors.Unauthorized, GoogleAuthError) as e:
        raise StoreUnavailable(
            f"Firestore refuses access: {e}.",
            "Give this service account the role roles/datastore.user.",
        ) from e
    except google_errors.GoogleAPIError as e:
        raise StoreUnavailable(
            f"Firestore cannot be used: {e}.",
            "Try again; if it persists, see that the project has a Firestore database"
            " in native mode and that it can be reached.",
        ) from e
