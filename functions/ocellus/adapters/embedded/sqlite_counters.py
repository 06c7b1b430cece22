"""The statistics' counters in SQLite."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict

from ocellus.adapters.embedded.sqlite_file import SqliteFile
from ocellus.summary import Statistics, summarise

_FORGET_S = 86_400.0


class SqliteCounters(SqliteFile):
    """The part of State that keeps the statistics."""

    def add_counts(self, counts: Mapping[str, int], writer: str, number: int, now: float) -> None:
        with self._write() as connection:
            connection.execute("DELETE FROM writers WHERE at < ?", (now - _FORGET_S,))
            is_new = connection.execute(
                "INSERT INTO writers (name, number, at) VALUES (?, ?, ?)"
                " ON CONFLICT (name) DO UPDATE SET number = excluded.number, at = excluded.at"
                " WHERE number < excluded.number",
                (writer, number, now),
            ).rowcount
            if is_new:
                connection.executemany(
                    "INSERT INTO counters (name, value) VALUES (?, ?)"
                    " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                    counts.items(),
                )

    def counts(self) -> dict[str, int]:
        with self._read() as connection:
            return dict(connection.execute("SELECT name, value FROM counters").fetchall())

    def publish_statistics(self, now: float, min_age_s: float = 0.0) -> bool:
        with self._write() as connection:
            published = self.statistics()
            if published.updated_at is not None and 0 <= now - published.updated_at < min_age_s:
                return False
            summed = summarise(self.counts(), now)
            if not summed.counts_as(published):
                connection.execute(
                    "INSERT OR REPLACE INTO statistics (id, published) VALUES (1, ?)",
                    (json.dumps(asdict(summed)),),
                )
            return True

    def statistics(self) -> Statistics:
        with self._read() as connection:
            row = connection.execute("SELECT published FROM statistics").fetchone()
        return Statistics(**json.loads(row["published"])) if row else summarise({}, None)
