"""Samples and event claims in Firestore."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from google.cloud.firestore import Increment, LastUpdateOption, Query, WriteBatch

from ocellus.adapters.gcp.firestore_audit import append_event
from ocellus.adapters.gcp.firestore_database import (
    SCAN_DEADLINE_S,
    FirestoreDatabase,
    Snapshot,
    fields_of,
)
from ocellus.adapters.gcp.firestore_documents import (
    CLAIM_KEPT,
    Documents,
    any_of,
    can_name_a_sample,
    expiry,
)
from ocellus.audit import AuditEvent
from ocellus.errors import NotFound
from ocellus.samples import Filing, Sample


class FirestoreSamples(FirestoreDatabase):
    """The part of State that keeps samples and event claims."""

    def file_sample(self, sample: Sample, claim: str | None) -> Filing:
        document = self._documents.sample(sample.sha256)
        claims = (
            {} if claim is None else {self._documents.claim(claim): _claim(claim, sample.filed_at)}
        )

        def file(batch: WriteBatch) -> Filing:
            on_file, *claimed = self._get(document, *claims)
            if on_file.exists and on_file.get("label") != sample.label:
                return Filing.CONFLICTING
            if any(found.exists for found in claimed):
                return Filing.REPLAYED
            for new_claim, fields in claims.items():
                batch.create(new_claim, fields)
            if on_file.exists:
                return Filing.DUPLICATE
            batch.create(document, asdict(sample))
            batch.set(any_of(self._documents.filed), {"total": Increment(1)}, merge=True)
            return Filing.NEW

        return self._decide(file)

    def claim(self, event: str, now: float, *, record: Iterable[AuditEvent] = ()) -> bool:
        lines = list(record)
        document = self._documents.claim(event)

        def claim(batch: WriteBatch) -> bool:
            (found,) = self._get(document)
            if found.exists:
                return False
            batch.create(document, _claim(event, now))
            for line in lines:
                append_event(batch, self._documents, line)
            return True

        return self._decide(claim)

    def claimed(self, event: str) -> bool:
        (found,) = self._get(self._documents.claim(event))
        return found.exists

    def samples(self) -> list[Sample]:
        return samples_in(self._query(oldest_first(self._documents), SCAN_DEADLINE_S))

    def labels_on_file(self, sha256s: Iterable[str]) -> dict[str, str]:
        asked = {sha256 for sha256 in sha256s if can_name_a_sample(sha256)}
        found = self._get(*(self._documents.sample(sha256) for sha256 in asked))
        return {sample.id: sample.get("label") for sample in found if sample.exists}

    def remove_sample(self, sha256: str) -> Sample:
        def remove(batch: WriteBatch) -> Sample:
            (found,) = self._get(self._documents.sample(sha256))
            if not found.exists:
                raise _no_sample(sha256)
            batch.delete(found.reference, LastUpdateOption(found.update_time))
            return Sample(**fields_of(found))

        if not can_name_a_sample(sha256):
            raise _no_sample(sha256)
        return self._decide(remove)

    def new_samples(self) -> int:
        control, *filed = self._get(self._documents.control, *self._documents.filed)
        seen: int = fields_of(control).get("samples_seen", 0)
        return samples_ever_filed(filed) - seen


def _claim(event: str, now: float) -> dict[str, Any]:
    return {"event": event, "claimed_at": now, "expire_at": expiry(now, CLAIM_KEPT)}


def _no_sample(sha256: str) -> NotFound:
    return NotFound(f"No sample {sha256[:80]!r} is on file.", "GET /api/samples lists them.")


def oldest_first(documents: Documents) -> Query:
    return documents.samples.order_by("filed_at")


def samples_in(found: Iterable[Snapshot]) -> list[Sample]:
    return [Sample(**fields_of(sample)) for sample in found]


def samples_ever_filed(filed: Iterable[Snapshot]) -> int:
    return sum(fields_of(shard).get("total", 0) for shard in filed)
