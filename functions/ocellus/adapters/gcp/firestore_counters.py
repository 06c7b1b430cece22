"""The statistics' counters in Firestore."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from google.cloud.firestore import Increment, WriteBatch

from ocellus.adapters.gcp.firestore_database import FirestoreDatabase, fields_of
from ocellus.adapters.gcp.firestore_documents import any_of


class FirestoreCounters(FirestoreDatabase):
    """The part of State that keeps the statistics."""

    def add_counts(self, counts: Mapping[str, int]) -> None:
        increments = {name: Increment(count) for name, count in counts.items()}

        def add(batch: WriteBatch) -> None:
            shard = any_of(self._documents.statistics)
            batch.set(shard, {"counts": increments}, merge=True)

        if increments:
            self._decide(add)

    def counts(self) -> dict[str, int]:
        sums: Counter[str] = Counter()
        for shard in self._get(*self._documents.statistics):
            sums.update(fields_of(shard).get("counts", {}))
        return dict(sums)
