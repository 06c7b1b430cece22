"""The audit trail in SQLite."""

from __future__ import annotations

import json
import sqlite3

from ocellus.adapters.embedded.sqlite_file import SqliteFile
from ocellus.audit import AuditEvent


class SqliteAudit(SqliteFile):
    """The part of State that keeps the audit trail."""

    def record(self, event: AuditEvent) -> None:
        with self._write() as connection:
            append_event(connection, event)

    def history(self, limit: int = 50) -> list[AuditEvent]:
        with self._read() as connection:
            rows = connection.execute(
                "SELECT at, actor, action, detail FROM audit ORDER BY at DESC, id DESC LIMIT ?",
                (limit,),
            ).fetchall()
        return [
            AuditEvent(at, actor, action, json.loads(detail)) for at, actor, action, detail in rows
        ]


def append_event(connection: sqlite3.Connection, event: AuditEvent) -> None:
    connection.execute(
        "INSERT INTO audit (at, actor, action, detail) VALUES (?, ?, ?, ?)",
        (event.at, event.actor, event.action, json.dumps(dict(event.detail))),
    )
