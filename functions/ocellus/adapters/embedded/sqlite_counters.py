"""The statistics' counters in SQLite."""

from __future__ import annotations

from collections.abc import Mapping

from ocellus.adapters.embedded.sqlite_file import SqliteFile


class SqliteCounters(SqliteFile):
    """The part of State that keeps the statistics."""

    def add_counts(self, counts: Mapping[str, int]) -> None:
        with self._write() as connection:
            connection.executemany(
                "INSERT INTO counters (name, value) VALUES (?, ?)"
                " ON CONFLICT (name) DO UPDATE SET value = value + excluded.value",
                counts.items(),
            )

    def counts(self) -> dict[str, int]:
        with self._read() as connection:
            return dict(connection.execute("SELECT name, value FROM counters").fetchall())
