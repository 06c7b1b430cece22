"""What SqliteState does beyond the contract of State."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from threading import Thread
from uuid import uuid4

import pytest

from ocellus.adapters.embedded import sqlite_file
from ocellus.adapters.embedded.sqlite_schema import MIGRATIONS, migrate
from ocellus.adapters.embedded.sqlite_state import SqliteState
from ocellus.errors import AlreadyExists, StoreUnavailable
from ocellus.runs import Mode, RunStatus
from ocellus.versions import Version

VERSION = Version("v1", None, 1.0, 0.9, 10, "seed", "")

_OPENER = """
import sys
from pathlib import Path
from ocellus.adapters.embedded.sqlite_state import SqliteState
print("ready", flush=True)
sys.stdin.read()
SqliteState(Path(sys.argv[1])).add_counts({"opened": 1}, sys.argv[2], 1, 0.0)
"""
# Stays in the middle of a transaction until it is killed.
_WRITER = """
import sqlite3, sys, time
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
connection.execute("UPDATE counters SET value = 1000")
print("writing", flush=True)
time.sleep(600)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "state.sqlite3"


@pytest.fixture
def state(path: Path) -> Iterator[SqliteState]:
    with closing(SqliteState(path)) as state:
        yield state


def add(state: SqliteState, counts: dict[str, int]) -> None:
    """Add counts as a writer that adds nothing else."""
    state.add_counts(counts, uuid4().hex, 1, now=0.0)


def user_version(path: Path) -> int:
    with closing(sqlite3.connect(path)) as connection:
        return int(connection.execute("PRAGMA user_version").fetchone()[0])


def begin_and_take_run(state: SqliteState) -> str:
    run = state.begin_run(
        trigger="person",
        mode=Mode.AUTO,
        include_set_aside=False,
        requested_by="ann",
        now=0.0,
        lease_s=60.0,
    )
    return state.take_run(run.id, "t1", now=0.0, lease_s=60.0).id


def test_migrations_add_only_what_is_missing_and_keep_what_is_there() -> None:
    first = ["CREATE TABLE pets (name TEXT)", "INSERT INTO pets VALUES ('Tom')"]
    second = ["ALTER TABLE pets ADD COLUMN age INTEGER", "UPDATE pets SET age = 3"]
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        migrate(connection, [first])
        for _ in range(2):
            migrate(connection, [first, second])
        assert connection.execute("SELECT * FROM pets").fetchall() == [("Tom", 3)]
        assert connection.execute("PRAGMA user_version").fetchone() == (2,)


def test_a_migration_that_fails_changes_nothing() -> None:
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        with pytest.raises(sqlite3.OperationalError):
            migrate(connection, [["CREATE TABLE pets (name TEXT)"], ["NONSENSE"]])
        assert connection.execute("SELECT * FROM sqlite_schema").fetchall() == []
        assert connection.execute("PRAGMA user_version").fetchone() == (0,)


def test_a_file_from_a_newer_ocellus_is_refused_untouched(path: Path, state: SqliteState) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    with pytest.raises(StoreUnavailable, match="Upgrade"):
        SqliteState(path)
    assert user_version(path) == len(MIGRATIONS) + 1


def test_opening_again_finds_what_was_there(path: Path, state: SqliteState) -> None:
    state.add_version(VERSION)
    with closing(SqliteState(path)) as again:
        assert again.versions() == [VERSION]
    assert user_version(path) == len(MIGRATIONS)


def test_a_file_of_the_first_schema_keeps_its_runs(path: Path) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        migrate(first, MIGRATIONS[:1])
        first.execute(
            "INSERT INTO runs (number, trigger, mode, include_set_aside, status, requested_by,"
            " created_at, attempt, lease_until, samples_seen, message)"
            " VALUES (1, 'person', 'auto', 0, 'queued', 'ann', 1.0, 0, 91.0, 0, '')"
        )
    with closing(SqliteState(path)) as state:
        assert state.take_run("r1", "t1", now=2.0, lease_s=30.0).options == {}


def test_processes_that_open_a_new_file_at_once_all_can(path: Path) -> None:
    openers = [
        subprocess.Popen(
            [sys.executable, "-c", _OPENER, str(path), str(i)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for i in range(4)
    ]
    for opener in openers:
        assert opener.stdout
        opener.stdout.readline()
    for opener in openers:
        assert opener.stdin
        opener.stdin.close()
    for opener in openers:
        with opener:
            assert opener.wait() == 0
    with closing(SqliteState(path)) as state:
        assert state.counts() == {"opened": 4}


def test_opening_waits_for_the_switch_to_the_write_ahead_log(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path.parent.mkdir()
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("CREATE TABLE pets (name TEXT)")
        other.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(sqlite_file.time, "sleep", lambda _: other.execute("ROLLBACK"))
        with closing(SqliteState(path)) as state:
            assert state.counts() == {}


def test_a_writer_killed_in_the_middle_leaves_nothing(path: Path, state: SqliteState) -> None:
    add(state, {"a": 1})
    command = [sys.executable, "-c", _WRITER, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as writer:
        assert writer.stdout
        assert writer.stdout.readline() == b"writing\n"
        assert state.counts() == {"a": 1}
        writer.kill()
    add(state, {"a": 1})
    assert state.counts() == {"a": 2}


def test_a_lock_held_too_long_is_store_unavailable(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sqlite_file, "BUSY_TIMEOUT_S", 0.05)
    with (
        closing(SqliteState(path)) as state,
        closing(sqlite3.connect(path, isolation_level=None)) as other,
    ):
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreUnavailable, match="locked"):
            add(state, {"a": 1})
        assert state.counts() == {}
        other.execute("ROLLBACK")
        add(state, {"a": 1})
        assert state.counts() == {"a": 1}


def test_a_full_disk_is_store_unavailable_and_changes_nothing(state: SqliteState) -> None:
    with state._write() as connection:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count = {pages}")
    counts = {f"{number:0100}": 1 for number in range(1000)}
    with pytest.raises(StoreUnavailable, match="full"):
        add(state, counts)
    assert state.counts() == {}


def test_a_place_that_cannot_be_written_is_store_unavailable(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(StoreUnavailable):
        SqliteState(tmp_path / "file" / "state.sqlite3")
    with pytest.raises(StoreUnavailable):
        SqliteState(tmp_path)


def test_threads_that_ended_leave_no_connection(state: SqliteState) -> None:
    for _ in range(10):
        thread = Thread(target=state.counts)
        thread.start()
        thread.join()
    assert len(state._connections) <= 2


def test_close_closes_the_connections_of_every_thread(path: Path) -> None:
    state = SqliteState(path)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda i: add(state, {"a": i}), range(20)))
        state.close()
        # SQLite removes the write-ahead log when the last connection closes.
        assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_forked_children_and_their_parent_lose_no_write(path: Path, state: SqliteState) -> None:
    def write() -> None:
        for _ in range(100):
            add(state, {"a": 1})

    add(state, {"a": 1})
    children = []
    for _ in range(3):
        child = os.fork()
        if child == 0:
            try:
                write()
            finally:
                os._exit(0)
        children.append(child)
    write()
    state.close()
    for child in children:
        os.waitpid(child, 0)
    assert state.counts() == {"a": 401}


def test_a_run_ends_without_a_version_only_failed_or_cancelled(state: SqliteState) -> None:
    run_id = begin_and_take_run(state)
    with pytest.raises(ValueError, match="promoted"):
        state.end_run(run_id, RunStatus.PROMOTED, "", now=1.0)
    assert state.run(run_id).status is RunStatus.RUNNING


def test_publishing_a_version_that_exists_is_refused_and_changes_nothing(
    state: SqliteState,
) -> None:
    run_id = begin_and_take_run(state)
    state.add_version(VERSION)
    with pytest.raises(AlreadyExists):
        state.publish(run_id, "t1", replace(VERSION, accuracy=0.1), None, now=1.0)
    assert state.versions() == [VERSION]
    assert state.run(run_id).status is RunStatus.RUNNING
    assert state.history() == []
