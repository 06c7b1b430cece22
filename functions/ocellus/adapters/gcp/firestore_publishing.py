"""The publication that ends a run, in Firestore."""

from __future__ import annotations

from collections.abc import Iterable

from google.cloud.firestore import FieldFilter, WriteBatch

from ocellus.adapters.gcp.firestore_audit import append_event
from ocellus.adapters.gcp.firestore_database import SCAN_DEADLINE_S
from ocellus.adapters.gcp.firestore_documents import can_name_a_sample
from ocellus.adapters.gcp.firestore_runs import FirestoreRuns, store_ended
from ocellus.adapters.gcp.firestore_serving import promote, register
from ocellus.audit import AuditEvent
from ocellus.errors import AlreadyExists
from ocellus.runs import Run, RunStatus
from ocellus.versions import Pointer, Version, parse_version


class FirestorePublishing(FirestoreRuns):
    """The part of State that publishes."""

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
        involved = self._documents.version(parse_version(version.name)), self._documents.pointer
        named = set(set_aside)

        def publish(batch: WriteBatch) -> None:
            seen, run, (taken, pointed) = self._owned_run(run_id, owner, *involved)
            if taken.exists:
                raise AlreadyExists(f"Version {version.name} exists.", "Start another run.")
            register(batch, self._documents, version)
            detail = {"version": version.name, "run": run.id, "sentence": version.sentence}
            append_event(batch, self._documents, AuditEvent(now, owner, "published", detail))
            if pointer is not None:
                promote(batch, self._documents, pointed, pointer, run.parent, run.id)
            self._mark(batch, named, run, clear=pointer is not None and run.include_set_aside)
            status = RunStatus.REFUSED if pointer is None else RunStatus.PROMOTED
            store_ended(batch, self._documents, seen, run, status, version.sentence, now)

        self._decide(publish)

    def _mark(self, batch: WriteBatch, named: set[str], run: Run, *, clear: bool) -> None:
        """Set the samples named aside; if `clear`, no others. A sample that is taken off file
        meanwhile makes the batch fail.
        """
        if clear:
            marked = self._documents.samples.where(filter=FieldFilter("set_aside_by", "!=", None))
            for sample in self._query(marked, SCAN_DEADLINE_S):
                if sample.id not in named:
                    batch.update(sample.reference, {"set_aside_by": None})
        samples = map(self._documents.sample, filter(can_name_a_sample, named))
        for sample in self._get(*samples):
            if sample.exists:
                batch.update(sample.reference, {"set_aside_by": run.id})
