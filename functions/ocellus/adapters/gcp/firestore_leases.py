"""The leases of runs in Firestore.

What an owner does is written on condition that the run's document is as it was read, and whoever
takes the run from its owner changes that document.
"""

from __future__ import annotations

from dataclasses import asdict, replace

from google.cloud.firestore import WriteBatch

from ocellus.adapters.gcp.firestore_database import SCAN_DEADLINE_S, store
from ocellus.adapters.gcp.firestore_runs import FirestoreRuns, lease_lost, store_run
from ocellus.adapters.gcp.firestore_samples import oldest_first, samples_ever_filed, samples_in
from ocellus.adapters.gcp.firestore_serving import version_in_service
from ocellus.runs import Progress, Run, RunStatus
from ocellus.samples import Sample


class FirestoreLeases(FirestoreRuns):
    """The part of State that says who may work on a run."""

    def take_run(self, run_id: str, owner: str, now: float, lease_s: float) -> Run:
        """The parent is what was in service at a moment within the call."""

        def take(batch: WriteBatch) -> Run:
            seen, run, (pointer,) = self._run(run_id, self._documents.pointer)
            expired = run.status is RunStatus.RUNNING and run.lease_until <= now
            if run.status is not RunStatus.QUEUED and not expired:
                raise lease_lost(run)
            run = replace(
                run,
                status=RunStatus.RUNNING,
                attempt=run.attempt + 1,
                owner=owner,
                lease_until=now + lease_s,
                parent=version_in_service(pointer),
            )
            store_run(batch, self._documents, seen, run)
            return run

        return self._decide(take)

    def renew_lease(
        self, run_id: str, owner: str, now: float, lease_s: float, progress: Progress | None = None
    ) -> None:
        renewed = {"lease_until": now + lease_s}
        told = {"progress": asdict(progress)} if progress else {}

        def renew(batch: WriteBatch) -> None:
            seen, _, _ = self._owned_run(run_id, owner)
            store(batch, seen, renewed | told)

        self._decide(renew)

    def snapshot_run(self, run_id: str, owner: str) -> list[Sample]:
        """Count and list are of one moment within the call; samples filed after it count towards
        the next run.
        """
        filed = self._get(*self._documents.filed)
        seen_at = max(shard.read_time for shard in filed)
        found = self._query(oldest_first(self._documents), SCAN_DEADLINE_S, at=seen_at)

        def snapshot(batch: WriteBatch) -> None:
            seen, _, _ = self._owned_run(run_id, owner)
            count = {"samples_seen": samples_ever_filed(filed)}
            store(batch, seen, count)
            batch.update(self._documents.control, count)

        self._decide(snapshot)
        return samples_in(found)

    def requeue_run(self, run_id: str, now: float, lease_s: float) -> Run:
        def requeue(batch: WriteBatch) -> Run:
            seen, run, _ = self._run(run_id)
            if not run.status.active or run.lease_until > now:
                raise lease_lost(run)
            run = replace(run, status=RunStatus.QUEUED, owner=None, lease_until=now + lease_s)
            store_run(batch, self._documents, seen, run)
            return run

        return self._decide(requeue)

    def release_run(self, run_id: str, owner: str, now: float) -> Run:
        def release(batch: WriteBatch) -> Run:
            seen, run, _ = self._owned_run(run_id, owner)
            run = replace(
                run,
                status=RunStatus.QUEUED,
                owner=None,
                lease_until=now,
                attempt=run.attempt - 1,
            )
            store_run(batch, self._documents, seen, run)
            return run

        return self._decide(release)
