"""The audit trail in Firestore."""

from __future__ import annotations

import json

from google.cloud.firestore import Query, WriteBatch

from ocellus.adapters.gcp.firestore_database import FirestoreDatabase
from ocellus.adapters.gcp.firestore_documents import HISTORY_KEPT, Documents, expiry
from ocellus.audit import AuditEvent


class FirestoreAudit(FirestoreDatabase):
    """The part of State that keeps the audit trail."""

    def record(self, event: AuditEvent) -> None:
        self._decide(lambda batch: append_event(batch, self._documents, event))

    def history(self, limit: int = 50) -> list[AuditEvent]:
        newest_first = self._documents.audit.order_by("at", direction=Query.DESCENDING)
        return [
            AuditEvent(
                found.get("at"),
                found.get("actor"),
                found.get("action"),
                json.loads(found.get("detail")),
            )
            for found in self._query(newest_first.limit(limit))
        ]


def append_event(batch: WriteBatch, documents: Documents, event: AuditEvent) -> None:
    batch.create(
        documents.new_audit_event(),
        {
            "at": event.at,
            "actor": event.actor,
            "action": event.action,
            # Firestore has no lists in lists, and names of fields have rules.
            "detail": json.dumps(dict(event.detail)),
            "expire_at": expiry(event.at, HISTORY_KEPT),
        },
    )
