"""Runs in Firestore: single flight, from the request to the end.

`control/runs` is written with every run that begins or ends, on conditions that let one begin only
where none is active. It also holds the active run's owner, which web clients may not read; a run
that has ended has none.
"""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Any

from google.cloud.firestore import DocumentReference, Query, WriteBatch

from ocellus.adapters.gcp.firestore_audit import append_event
from ocellus.adapters.gcp.firestore_database import FirestoreDatabase, Snapshot, fields_of, store
from ocellus.adapters.gcp.firestore_documents import Documents
from ocellus.adapters.gcp.firestore_samples import samples_ever_filed
from ocellus.audit import AuditEvent
from ocellus.errors import LeaseLost, NotFound, RunActive
from ocellus.runs import Mode, Options, Progress, Run, RunStatus, parse_run_id


class FirestoreRuns(FirestoreDatabase):
    """The part of State that begins, ends and shows runs."""

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
        def begin(batch: WriteBatch) -> Run:
            control, *filed = self._get(self._documents.control, *self._documents.filed)
            before = fields_of(control)
            if before.get("active") is not None:
                raise RunActive(f"r{before['active']}")
            run = Run(
                number=before.get("newest", 0) + 1,
                trigger=trigger,
                mode=mode,
                include_set_aside=include_set_aside,
                status=RunStatus.QUEUED,
                requested_by=requested_by,
                created_at=now,
                attempt=0,
                owner=None,
                lease_until=now + lease_s,
                samples_seen=samples_ever_filed(filed),
                dataset=dataset,
                options=dict(options or {}),
            )
            flight = {"newest": run.number, "active": run.number, "owner": None}
            store(batch, control, flight | {"samples_seen": run.samples_seen})
            batch.create(self._documents.run(run.number), _fields(run))
            return run

        return self._decide(begin)

    def end_run(
        self, run_id: str, status: RunStatus, message: str, now: float, *, owner: str | None = None
    ) -> None:
        if status not in (RunStatus.FAILED, RunStatus.CANCELLED):
            raise ValueError(f"a run without a version ends failed or cancelled, not {status}")

        def end(batch: WriteBatch) -> None:
            seen, run, _ = self._run(run_id)
            if not run.status.active or (owner is not None and run.owner != owner):
                raise lease_lost(run)
            store_ended(batch, self._documents, seen, run, status, message, now)
            detail = {"run": run.id, "status": status.value, "reason": message}
            event = AuditEvent(now, owner or "ocellus", "run_ended", detail)
            append_event(batch, self._documents, event)

        self._decide(end)

    def active_run(self) -> Run | None:
        (control,) = self._get(self._documents.control)
        active = fields_of(control).get("active")
        if active is None:
            return None
        run = self.run(f"r{active}")
        return run if run.status.active else None  # it may have ended just now

    def run(self, run_id: str) -> Run:
        _, run, _ = self._run(run_id)
        return run

    def runs(self, limit: int = 50) -> list[Run]:
        newest_first = self._documents.runs.order_by("number", direction=Query.DESCENDING)
        found = self._query(newest_first.limit(limit))
        if not found:
            return []
        (control,) = self._get(self._documents.control, at=found[0].read_time)
        return [_from_documents(run, control) for run in found]

    def _run(self, run_id: str, *others: DocumentReference) -> tuple[Snapshot, Run, list[Snapshot]]:
        """Return the run's document, the run, and the other documents, all as they are at one
        moment. Raises: NotFound.
        """
        document = self._documents.run(parse_run_id(run_id))
        found, control, *more = self._get(document, self._documents.control, *others)
        if not found.exists:
            raise NotFound(f"There is no run {run_id}.", "GET /api/runs lists the runs.")
        return found, _from_documents(found, control), more

    def _owned_run(
        self, run_id: str, owner: str, *others: DocumentReference
    ) -> tuple[Snapshot, Run, list[Snapshot]]:
        """Do as `_run` does. Raises: LeaseLost, NotFound."""
        found, run, more = self._run(run_id, *others)
        if run.status is not RunStatus.RUNNING or run.owner != owner:
            raise lease_lost(run)
        return found, run, more


def lease_lost(run: Run) -> LeaseLost:
    return LeaseLost(
        f"run {run.id} is {run.status}, owned by {run.owner or 'no one'}"
        f" until {run.lease_until:.0f}.",
        "Leave it to its owner, or look again.",
    )


def store_run(batch: WriteBatch, documents: Documents, seen: Snapshot, run: Run) -> None:
    """Write the active run and its owner, on condition that its document is as it was seen."""
    store(batch, seen, _fields(run))
    batch.update(documents.control, {"owner": run.owner})


def store_ended(
    batch: WriteBatch,
    documents: Documents,
    seen: Snapshot,
    run: Run,
    status: RunStatus,
    message: str,
    now: float,
) -> None:
    """End the run on condition that its document is as it was seen, and let another begin."""
    run = replace(run, status=status, message=message, finished_at=now, lease_until=now)
    store(batch, seen, _fields(run))
    batch.update(documents.control, {"active": None, "owner": None})


def _fields(run: Run) -> dict[str, Any]:
    values = asdict(run) | {"mode": run.mode.value, "status": run.status.value}
    del values["owner"]
    return values


def _from_documents(found: Snapshot, control: Snapshot) -> Run:
    values = fields_of(found)
    active = control.get("active") == values["number"]
    values["owner"] = control.get("owner") if active else None
    values["mode"] = Mode(values["mode"])
    values["status"] = RunStatus(values["status"])
    if values["progress"] is not None:
        values["progress"] = Progress(**values["progress"])
    return Run(**values)
