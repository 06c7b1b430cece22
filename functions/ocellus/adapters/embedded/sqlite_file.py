"""One SQLite file, safe to share between threads and processes."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from weakref import WeakSet

from ocellus.adapters.embedded.sqlite_schema import migrate
from ocellus.errors import StoreUnavailable

BUSY_TIMEOUT_S = 10.0


class SqliteFile:
    """The file's connections, one a thread, and its transactions.

    Fork only while no other thread is inside a method.
    """

    def __init__(self, path: Path) -> None:
        """Open the file, creating or migrating it. Raises: StoreUnavailable."""
        self._path = path
        self._connections: dict[threading.Thread, sqlite3.Connection] = {}
        _open_files.add(self)
        try:
            with self._errors_translated():
                path.parent.mkdir(parents=True, exist_ok=True)
                connection = self._connection()
                _use_wal(connection)
                migrate(connection)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Close every connection; a later call would open a new one."""
        for thread in list(self._connections):
            self._close(thread)

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        """Lend the thread's connection for one SELECT, which is atomic by itself."""
        with self._errors_translated():
            yield self._connection()

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        """Lend the thread's connection inside a transaction that no other writer overlaps."""
        with self._errors_translated(), self._connection() as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    @contextmanager
    def _errors_translated(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.OperationalError, OSError) as e:
            raise StoreUnavailable(
                f"The state file {self._path} cannot be used: {e}.",
                "Try again; if it persists, see that the disk has room and is writable.",
            ) from e

    def _connection(self) -> sqlite3.Connection:
        connection = self._connections.get(threading.current_thread())
        if connection is None:
            for thread in list(self._connections):
                if not thread.is_alive():
                    self._close(thread)
            connection = self._connections[threading.current_thread()] = self._connect()
        return connection

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(
            self._path,
            timeout=BUSY_TIMEOUT_S,
            isolation_level=None,
            check_same_thread=False,  # close() comes from another thread
        )
        connection.row_factory = sqlite3.Row
        # FULL survives a power cut, not only a crash; the fsync it adds to a commit takes 0.4 ms.
        connection.execute("PRAGMA synchronous = FULL")
        return connection

    def _close(self, thread: threading.Thread) -> None:
        connection = self._connections.pop(thread, None)
        if connection is not None:
            connection.close()


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, once for all; SQLite's own time-out does not cover this."""
    deadline = time.monotonic() + BUSY_TIMEOUT_S
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as e:
            if e.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(0.01)


def _close_open_files() -> None:
    for file in list(_open_files):
        file.close()


_open_files: WeakSet[SqliteFile] = WeakSet()
# A child that inherits an open file takes locks for held that only its parent holds, and then
# loses writes without a word, on new connections too. Source: sqlite.org/howtocorrupt.html, 2.6.
os.register_at_fork(before=_close_open_files)
