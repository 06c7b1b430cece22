"""The serving pointer and the model versions in SQLite."""

from __future__ import annotations

import sqlite3
from dataclasses import asdict

from ocellus.adapters.embedded.sqlite_audit import append_event
from ocellus.adapters.embedded.sqlite_file import SqliteFile
from ocellus.audit import AuditEvent
from ocellus.errors import NotFound, StalePointer
from ocellus.versions import Pointer, Version, parse_version

_POINTER = "SELECT version, previous, promoted_at, promoted_by, reason FROM pointer"
_VERSION = "SELECT name, parent, created_at, accuracy, classes, verdict, sentence FROM versions"


class SqliteServing(SqliteFile):
    """The part of State that keeps the pointer and the versions."""

    def pointer(self) -> Pointer | None:
        with self._read() as connection:
            row = connection.execute(_POINTER).fetchone()
        return Pointer(**row) if row else None

    def move_pointer(self, new: Pointer, expected: str | None) -> None:
        with self._write() as connection:
            promote(connection, new, expected)

    def service_since(self) -> float | None:
        with self._read() as connection:
            row = connection.execute("SELECT service_since FROM pointer").fetchone()
        return row["service_since"] if row else None

    def add_version(self, version: Version) -> None:
        with self._write() as connection:
            register(connection, version)

    def version(self, name: str) -> Version:
        with self._read() as connection:
            return _version(connection, name)

    def versions(self) -> list[Version]:
        with self._read() as connection:
            rows = connection.execute(f"{_VERSION} ORDER BY number DESC").fetchall()
        return [Version(**row) for row in rows]


def version_in_service(connection: sqlite3.Connection) -> str | None:
    row = connection.execute(_POINTER).fetchone()
    return row["version"] if row else None


def register(connection: sqlite3.Connection, version: Version) -> bool:
    """Add the version; False, and nothing changed, if its name is taken."""
    number = int(parse_version(version.name).removeprefix("v"))
    cursor = connection.execute(
        "INSERT OR IGNORE INTO versions VALUES (:number, :name, :parent, :created_at, :accuracy,"
        " :classes, :verdict, :sentence)",
        asdict(version) | {"number": number},
    )
    return cursor.rowcount == 1


def promote(
    connection: sqlite3.Connection, new: Pointer, expected: str | None, run_id: str | None = None
) -> None:
    """Move the pointer from `expected` and say so in the audit trail.

    Raises: NotFound, StalePointer.
    """
    _version(connection, new.version)
    current = version_in_service(connection)
    if current != expected:
        raise StalePointer(
            f"The pointer is at {current or 'no version'}, not at {expected or 'no version'}.",
            "Look at what is in service now, then decide again.",
        )
    connection.execute(
        "INSERT INTO pointer VALUES"
        " (1, :version, :previous, :promoted_at, :promoted_by, :reason, :promoted_at)"
        " ON CONFLICT (id) DO UPDATE SET version = excluded.version, previous = excluded.previous,"
        " promoted_at = excluded.promoted_at, promoted_by = excluded.promoted_by,"
        " reason = excluded.reason",
        asdict(new),
    )
    detail = {"version": new.version, "previous": new.previous, "reason": new.reason}
    if run_id is not None:
        detail["run"] = run_id
    append_event(connection, AuditEvent(new.promoted_at, new.promoted_by, "promoted", detail))


def _version(connection: sqlite3.Connection, name: str) -> Version:
    row = connection.execute(f"{_VERSION} WHERE name = ?", (parse_version(name),)).fetchone()
    if row is None:
        raise NotFound(f"There is no version {name}.", "GET /api/models lists the versions.")
    return Version(**row)
