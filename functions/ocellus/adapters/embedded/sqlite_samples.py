"""Samples and event claims in SQLite."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict

from ocellus.adapters.embedded.sqlite_audit import append_event
from ocellus.adapters.embedded.sqlite_file import SqliteFile
from ocellus.audit import AuditEvent
from ocellus.errors import NotFound
from ocellus.samples import Filing, Sample


class SqliteSamples(SqliteFile):
    """The part of State that keeps samples and event claims."""

    def file_sample(self, sample: Sample, claim: str | None) -> Filing:
        with self._write() as connection:
            on_file = _sample(connection, sample.sha256)
            if on_file is not None and on_file.label != sample.label:
                return Filing.CONFLICTING
            if claim is not None and not _claim(connection, claim, sample.filed_at):
                return Filing.REPLAYED
            if on_file is not None:
                return Filing.DUPLICATE
            connection.execute(
                "INSERT INTO samples VALUES (:sha256, :label, :extension, :size_bytes,"
                " :filed_at, :source, :set_aside_by)",
                asdict(sample),
            )
            connection.execute("UPDATE samples_filed SET total = total + 1")
            return Filing.NEW

    def claim(self, event: str, now: float, *, record: Iterable[AuditEvent] = ()) -> bool:
        with self._write() as connection:
            is_first = _claim(connection, event, now)
            for line in record if is_first else ():
                append_event(connection, line)
            return is_first

    def claimed(self, event: str) -> bool:
        with self._read() as connection:
            found = connection.execute("SELECT 1 FROM claims WHERE event = ?", (event,)).fetchone()
        return found is not None

    def samples(self) -> list[Sample]:
        with self._read() as connection:
            return samples_on_file(connection)

    def labels_on_file(self, sha256s: Iterable[str]) -> dict[str, str]:
        with self._read() as connection:
            rows = connection.execute(
                "SELECT sha256, label FROM samples"
                " WHERE sha256 IN (SELECT value FROM json_each(?))",
                (json.dumps(list(sha256s)),),
            ).fetchall()
        return {row["sha256"]: row["label"] for row in rows}

    def remove_sample(self, sha256: str) -> Sample:
        with self._write() as connection:
            sample = _sample(connection, sha256)
            if sample is None:
                raise NotFound(
                    f"No sample {sha256[:80]!r} is on file.", "GET /api/samples lists them."
                )
            connection.execute("DELETE FROM samples WHERE sha256 = ?", (sha256,))
            return sample

    def new_samples(self) -> int:
        with self._read() as connection:
            (count,) = connection.execute(
                "SELECT total - coalesce("
                "(SELECT samples_seen FROM runs ORDER BY number DESC LIMIT 1), 0)"
                " FROM samples_filed"
            ).fetchone()
        return int(count)


def samples_on_file(connection: sqlite3.Connection) -> list[Sample]:
    rows = connection.execute("SELECT * FROM samples ORDER BY filed_at, rowid").fetchall()
    return [Sample(**row) for row in rows]


def samples_ever_filed(connection: sqlite3.Connection) -> int:
    (total,) = connection.execute("SELECT total FROM samples_filed").fetchone()
    return int(total)


def _sample(connection: sqlite3.Connection, sha256: str) -> Sample | None:
    row = connection.execute("SELECT * FROM samples WHERE sha256 = ?", (sha256,)).fetchone()
    return Sample(**row) if row else None


def _claim(connection: sqlite3.Connection, event: str, now: float) -> bool:
    cursor = connection.execute("INSERT OR IGNORE INTO claims VALUES (?, ?)", (event, now))
    return cursor.rowcount == 1
