"""The three ports. Their docstrings are the contracts that `tests/contract` holds every adapter to.

All methods block; callers on an event loop run them in a thread. Every method may raise
`StoreUnavailable`. Times are Unix seconds and are passed in.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol

from ocellus.audit import AuditEvent
from ocellus.runs import Mode, Options, Progress, Run, RunStatus
from ocellus.samples import Filing, Sample
from ocellus.signed_upload import SignedUpload
from ocellus.summary import Statistics
from ocellus.versions import Pointer, Version


class Blobs(Protocol):
    """Bytes under names.

    A name is a relative path of `/`-separated parts, none of them empty, `.` or `..`, that does not
    start with a dot and holds no NUL; anything else raises `ValueError`. A blob is whole or absent:
    no reader ever sees part of one, whatever crashes.

    Every write of a name has another generation, the positive number that the store's events give.
    Where a generation is named, a blob of another one counts as absent.
    """

    def get(self, name: str, *, generation: int | None = None) -> bytes:
        """Return the blob. Raises: NotFound."""
        ...

    def put(self, name: str, data: bytes, *, overwrite: bool = False) -> None:
        """Store `data` durably.

        Of several writers of one name, exactly one succeeds, across processes too.

        Raises: AlreadyExists, unless `overwrite`.
        """
        ...

    def exists(self, name: str) -> bool:
        """Say whether the blob is there."""
        ...

    def list(self, prefix: str = "") -> list[str]:
        """Return the names that start with `prefix`, sorted."""
        ...

    def delete(self, name: str, *, generation: int | None = None) -> None:
        """Remove the blob; an absent one is no error."""
        ...

    def sign_upload(
        self, name: str, content_type: str, max_bytes: int, expires_s: int
    ) -> SignedUpload:
        """Return what lets anyone who is told it store the blob within `expires_s`, a week at most.

        A PUT that is late, altered, over `max_bytes`, of another content type or to a taken name
        stores nothing and is answered with a status of 400 or more.
        """
        ...

    def start_upload(
        self, name: str, content_type: str, size_bytes: int, origin: str | None = None
    ) -> str:
        """Start a resumable upload of exactly `size_bytes` and return its URL, which is all that
        anyone needs to store the blob within a week; a web page only if it is of `origin`.

        The bytes come by PUT, at once or in parts with `Content-Range: bytes FIRST-LAST/SIZE`,
        each but the last a multiple of 256 KiB. A part is answered with 308 and `Range:
        bytes=0-LAST`, what has been kept; so is a PUT of nothing with `Content-Range: bytes
        */SIZE`, which only asks. No `Range`: nothing has been kept. Once all is there the blob is
        stored and the answer 200. A PUT that is late, of another size or to a name taken by then
        stores nothing and is answered with a status of 400 or more.
        """
        ...


class State(Protocol):
    """What every function and the trainer agree on. Every method is atomic, across processes."""

    # The serving pointer and the versions

    def pointer(self) -> Pointer | None:
        """Return the serving pointer, or None before the first promotion."""
        ...

    def move_pointer(self, new: Pointer, expected: str | None) -> None:
        """Move the pointer if its version is still `expected` (None: no pointer yet), and append
        a `promoted` event to the audit trail.

        Raises: StalePointer, and nothing changed; NotFound if `new.version` is not a version.
        """
        ...

    def service_since(self) -> float | None:
        """Return when the pointer was first set."""
        ...

    def add_version(self, version: Version) -> None:
        """Register a version made outside a run (the seed); one that exists is left as it is."""
        ...

    def version(self, name: str) -> Version:
        """Return one version. Raises: NotFound."""
        ...

    def versions(self) -> list[Version]:
        """Return all versions, newest number first."""
        ...

    # Runs

    def begin_run(
        self,
        *,
        trigger: str,
        mode: Mode,
        include_set_aside: bool,
        requested_by: str,
        now: float,
        lease_s: float,
        dataset: str | None = None,
        options: Options | None = None,
    ) -> Run:
        """Create the one active run, QUEUED, attempt 0, with `lease_s` for a trainer to take it,
        its `samples_seen` the count of samples ever filed.

        Its number is greater than that of every run and every version there has ever been.

        Raises: RunActive if a run is QUEUED or RUNNING, even one whose lease has expired.
        """
        ...

    def take_run(self, run_id: str, owner: str, now: float, lease_s: float) -> Run:
        """Make `owner` the run's trainer: RUNNING, attempt + 1, lease renewed, parent set to the
        version now in service. Allowed when the run is QUEUED, or RUNNING with an expired lease.

        Raises: LeaseLost otherwise; NotFound.
        """
        ...

    def renew_lease(
        self, run_id: str, owner: str, now: float, lease_s: float, progress: Progress | None = None
    ) -> None:
        """Renew the lease and, if given, store the progress. An expired lease that nobody took
        may be renewed.

        Raises: LeaseLost if `owner` does not own the run or it has ended; NotFound.
        """
        ...

    def snapshot_run(self, run_id: str, owner: str) -> list[Sample]:
        """Set the run's `samples_seen` to the count of samples ever filed and return the samples
        on file, oldest first. Raises: LeaseLost.
        """
        ...

    def publish(
        self,
        run_id: str,
        owner: str,
        version: Version,
        pointer: Pointer | None,
        *,
        set_aside: Iterable[str] = (),
        now: float,
    ) -> None:
        """End a run with its version, all or nothing: register `version`; if `pointer` is given,
        move the pointer from the run's parent to it and, if the run included samples that had been
        set aside, clear their marks; mark the samples whose sha256 is in `set_aside`; set the run
        PROMOTED or REFUSED (by `pointer`) with the version's sentence; append `published` (and
        `promoted`) to the audit trail.

        Raises: LeaseLost; NotFound; StalePointer if the pointer is to move and is no longer at the
        run's parent; AlreadyExists if the version's name is taken.
        """
        ...

    def end_run(
        self, run_id: str, status: RunStatus, message: str, now: float, *, owner: str | None = None
    ) -> None:
        """End an active run without a version (FAILED or CANCELLED) and append `run_ended` to the
        audit trail. Its owner's lease ends with it.

        Raises: LeaseLost if the run has ended, or `owner` is given and does not own it; NotFound.
        """
        ...

    def requeue_run(self, run_id: str, now: float, lease_s: float) -> Run:
        """Make an active run whose lease has expired QUEUED again, owner cleared, with `lease_s`
        for a new trainer to take it. Of several callers, one succeeds.

        Raises: LeaseLost if it has ended or its lease has not expired; NotFound.
        """
        ...

    def release_run(self, run_id: str, owner: str, now: float) -> Run:
        """Give the run back unfinished: QUEUED, owner cleared, its lease expired, the attempt not
        counted, so that the next trainer may take it at once. Raises: LeaseLost; NotFound.
        """
        ...

    def active_run(self) -> Run | None:
        """Return the QUEUED or RUNNING run, if there is one."""
        ...

    def run(self, run_id: str) -> Run:
        """Return one run. Raises: NotFound."""
        ...

    def runs(self, limit: int = 50) -> list[Run]:
        """Return the newest runs first."""
        ...

    # Samples and events

    def file_sample(self, sample: Sample, claim: str | None) -> Filing:
        """Put a sample on file and claim the event that brought it, in one step.

        An image on file under another label gives CONFLICTING; else an event claimed before gives
        REPLAYED; neither changes anything. Otherwise the event (if any) is claimed, and an image
        on file gives DUPLICATE; a new one is stored, counted, and gives NEW.
        """
        ...

    def claim(self, event: str, now: float, *, record: Iterable[AuditEvent] = ()) -> bool:
        """Claim an event that files no sample and append `record` to the audit trail, in one step.
        True for the first caller; False ever after, and nothing is appended.
        """
        ...

    def claimed(self, event: str) -> bool:
        """Say whether the event has been claimed."""
        ...

    def samples(self) -> list[Sample]:
        """Return the samples on file, oldest first."""
        ...

    def labels_on_file(self, sha256s: Iterable[str]) -> dict[str, str]:
        """Return the labels, by sha256, of those of these images that are on file; in one read,
        for some hundreds.
        """
        ...

    def remove_sample(self, sha256: str) -> Sample:
        """Take a sample off file and return it; the count of samples ever filed stays.

        Raises: NotFound.
        """
        ...

    def new_samples(self) -> int:
        """Return how many samples were filed since the newest run's `samples_seen` was set (ever,
        before the first run)."""
        ...

    # Statistics and the audit trail

    def add_counts(self, counts: Mapping[str, int], writer: str, number: int, now: float) -> None:
        """Add to named counters, once; sums are exact under any concurrency.

        A writer numbers what it adds, rising from 1. A number not above the last that it added
        changes nothing: what may have arrived can be sent again. State may forget a writer that
        added nothing for a day.
        """
        ...

    def counts(self) -> dict[str, int]:
        """Return every counter."""
        ...

    def publish_statistics(self, now: float, min_age_s: float = 0.0) -> bool:
        """Sum the counters up as they are at one moment, for `statistics`, unless that was done
        less than `min_age_s` ago. An older sum never replaces a newer.

        Return whether `statistics` now tells of all that was added before the call.
        """
        ...

    def statistics(self) -> Statistics:
        """Return the statistics as last published; zeros before that."""
        ...

    def record(self, event: AuditEvent) -> None:
        """Append to the audit trail."""
        ...

    def history(self, limit: int = 50) -> list[AuditEvent]:
        """Return the newest events first."""
        ...


class Jobs(Protocol):
    """Starts the trainer. What the trainer does it tells through State."""

    def start(self, run_id: str) -> None:
        """Start a trainer for the run and return at once. Raises: StoreUnavailable."""
        ...

    def cancel(self, run_id: str) -> None:
        """Stop the run's trainer if it is running; none running is no error."""
        ...
