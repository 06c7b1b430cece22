"""The SQLite schema, one migration a version; `PRAGMA user_version` says how many were applied."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence

from ocellus.errors import StoreUnavailable

# Append to this; never change a migration that has shipped.
MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """CREATE TABLE versions (
            number INTEGER PRIMARY KEY,
            name TEXT NOT NULL UNIQUE,
            parent TEXT,
            created_at REAL NOT NULL,
            accuracy REAL,
            classes INTEGER NOT NULL,
            verdict TEXT NOT NULL,
            sentence TEXT NOT NULL
        )""",
        """CREATE TABLE pointer (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            version TEXT NOT NULL REFERENCES versions (name),
            previous TEXT,
            promoted_at REAL NOT NULL,
            promoted_by TEXT NOT NULL,
            reason TEXT NOT NULL,
            service_since REAL NOT NULL
        )""",
        """CREATE TABLE runs (
            number INTEGER PRIMARY KEY,
            trigger TEXT NOT NULL,
            mode TEXT NOT NULL,
            include_set_aside INTEGER NOT NULL,
            status TEXT NOT NULL,
            requested_by TEXT NOT NULL,
            created_at REAL NOT NULL,
            attempt INTEGER NOT NULL,
            owner TEXT,
            lease_until REAL NOT NULL,
            samples_seen INTEGER NOT NULL,
            dataset TEXT,
            parent TEXT,
            progress TEXT,
            finished_at REAL,
            message TEXT NOT NULL
        )""",
        # Single flight, held by the database itself.
        """CREATE UNIQUE INDEX one_active_run ON runs ((1))
            WHERE status IN ('queued', 'running')""",
        """CREATE TABLE samples (
            sha256 TEXT PRIMARY KEY,
            label TEXT NOT NULL,
            extension TEXT NOT NULL,
            size_bytes INTEGER NOT NULL,
            filed_at REAL NOT NULL,
            source TEXT NOT NULL,
            set_aside_by TEXT
        )""",
        # Samples can be removed; how many were ever filed cannot be counted from what is left.
        "CREATE TABLE samples_filed (total INTEGER NOT NULL)",
        "INSERT INTO samples_filed VALUES (0)",
        "CREATE TABLE claims (event TEXT PRIMARY KEY, claimed_at REAL NOT NULL) WITHOUT ROWID",
        "CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID",
        """CREATE TABLE audit (
            id INTEGER PRIMARY KEY,
            at REAL NOT NULL,
            actor TEXT NOT NULL,
            action TEXT NOT NULL,
            detail TEXT NOT NULL
        )""",
        "CREATE INDEX audit_by_time ON audit (at)",
    ),
    ("ALTER TABLE runs ADD COLUMN options TEXT NOT NULL DEFAULT '{}'",),
    (
        """CREATE TABLE writers (
            name TEXT PRIMARY KEY,
            number INTEGER NOT NULL,
            at REAL NOT NULL
        ) WITHOUT ROWID""",
        """CREATE TABLE statistics (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            published TEXT NOT NULL
        )""",
    ),
)


def migrate(
    connection: sqlite3.Connection, migrations: Sequence[Sequence[str]] = MIGRATIONS
) -> None:
    """Apply the missing migrations, all or none, once however many processes ask.

    Raises: StoreUnavailable if the file is from a newer Ocellus.
    """
    with connection:
        connection.execute("BEGIN EXCLUSIVE")
        (applied,) = connection.execute("PRAGMA user_version").fetchone()
        if applied > len(migrations):
            raise StoreUnavailable(
                f"The state file has schema {applied}; this Ocellus knows up to {len(migrations)}.",
                "Upgrade Ocellus, or point OCELLUS_DATA_DIR elsewhere.",
            )
        for statements in migrations[applied:]:
            for statement in statements:
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(migrations)}")
