"""The statistics in Firestore: counters in shards, their sums in one public document.

What a flush adds is written on condition that its shard is as it was read, so that a flush that is
sent twice is seen to be there. Its sums are therefore written as they are; an `Increment` adds
blindly, twice when its answer was lost and the client library sent it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict
from typing import Any

from google.cloud.firestore import WriteBatch

from ocellus.adapters.gcp.firestore_database import FirestoreDatabase, Snapshot, fields_of, store
from ocellus.adapters.gcp.firestore_documents import shard_of
from ocellus.summary import Statistics, summarise

_FORGET_S = 86_400.0


class FirestoreCounters(FirestoreDatabase):
    """The part of State that keeps the statistics."""

    def add_counts(self, counts: Mapping[str, int], writer: str, number: int, now: float) -> None:
        shard = shard_of(self._documents.statistics, writer)

        def add(batch: WriteBatch) -> None:
            (seen,) = self._get(shard)
            writers: dict[str, Any] = fields_of(seen).get("writers", {})
            if number <= writers.get(writer, {"number": 0})["number"]:
                return
            lately = {name: w for name, w in writers.items() if w["at"] >= now - _FORGET_S}
            fields = {
                "counts": _sum_up([fields_of(seen), {"counts": counts}]),
                "writers": lately | {writer: {"number": number, "at": now}},
            }
            store(batch, seen, fields)

        self._decide(add)

    def counts(self) -> dict[str, int]:
        return _sum_up(map(fields_of, self._get(*self._documents.statistics)))

    def publish_statistics(self, now: float, min_age_s: float = 0.0) -> bool:
        def publish(batch: WriteBatch) -> bool:
            (seen,) = self._get(self._documents.public_statistics)
            published = _statistics(seen)
            if published.updated_at is not None and 0 <= now - published.updated_at < min_age_s:
                return False
            summed = summarise(self.counts(), now)  # newer than any sum published when `seen`
            if not summed.counts_as(published):
                store(batch, seen, asdict(summed))
            return True

        return self._decide(publish)

    def statistics(self) -> Statistics:
        (seen,) = self._get(self._documents.public_statistics)
        return _statistics(seen)


def _sum_up(shards: Iterable[Mapping[str, Any]]) -> dict[str, int]:
    sums: Counter[str] = Counter()
    for shard in shards:
        sums.update(shard.get("counts", {}))
    return dict(sums)


def _statistics(seen: Snapshot) -> Statistics:
    return Statistics(**fields_of(seen)) if seen.exists else summarise({}, None)
