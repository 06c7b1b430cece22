"""Runs in SQLite: single flight, leases, progress, and the publication that ends one."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import asdict, fields, replace

from ocellus.adapters.embedded.sqlite_audit import append_event
from ocellus.adapters.embedded.sqlite_file import SqliteFile
from ocellus.adapters.embedded.sqlite_samples import samples_ever_filed, samples_on_file
from ocellus.adapters.embedded.sqlite_serving import promote, register, version_in_service
from ocellus.audit import AuditEvent
from ocellus.errors import AlreadyExists, LeaseLost, NotFound, RunActive
from ocellus.runs import Mode, Options, Progress, Run, RunStatus, parse_run_id
from ocellus.samples import Sample
from ocellus.versions import Pointer, Version

_COLUMNS = tuple(field.name for field in fields(Run))
_INSERT = f"INSERT INTO runs ({', '.join(_COLUMNS)}) VALUES (:{', :'.join(_COLUMNS)})"
_UPDATE = f"UPDATE runs SET {', '.join(f'{c} = :{c}' for c in _COLUMNS)} WHERE number = :number"


class SqliteRuns(SqliteFile):
    """The part of State that keeps runs."""

    def begin_run(
        self,
        *,
        trigger: str,
        mode: Mode,
        include_set_aside: bool,
        requested_by: str,
        now: float,
        lease_s: float,
        dataset: str | None = None,
        options: Options | None = None,
    ) -> Run:
        with self._write() as connection:
            active = _active_run(connection)
            if active is not None:
                raise RunActive(active.id)
            (newest,) = connection.execute(
                "SELECT max(coalesce((SELECT max(number) FROM runs), 0),"
                " coalesce((SELECT max(number) FROM versions), 0))"
            ).fetchone()
            run = Run(
                number=newest + 1,
                trigger=trigger,
                mode=mode,
                include_set_aside=include_set_aside,
                status=RunStatus.QUEUED,
                requested_by=requested_by,
                created_at=now,
                attempt=0,
                owner=None,
                lease_until=now + lease_s,
                samples_seen=samples_ever_filed(connection),
                dataset=dataset,
                options=dict(options or {}),
            )
            _store(connection, _INSERT, run)
            return run

    def take_run(self, run_id: str, owner: str, now: float, lease_s: float) -> Run:
        with self._write() as connection:
            run = _run(connection, run_id)
            expired = run.status is RunStatus.RUNNING and run.lease_until <= now
            if run.status is not RunStatus.QUEUED and not expired:
                raise _lease_lost(run)
            run = replace(
                run,
                status=RunStatus.RUNNING,
                attempt=run.attempt + 1,
                owner=owner,
                lease_until=now + lease_s,
                parent=version_in_service(connection),
            )
            _store(connection, _UPDATE, run)
            return run

    def renew_lease(
        self, run_id: str, owner: str, now: float, lease_s: float, progress: Progress | None = None
    ) -> None:
        with self._write() as connection:
            run = _owned_run(connection, run_id, owner)
            run = replace(run, lease_until=now + lease_s, progress=progress or run.progress)
            _store(connection, _UPDATE, run)

    def snapshot_run(self, run_id: str, owner: str) -> list[Sample]:
        with self._write() as connection:
            run = _owned_run(connection, run_id, owner)
            run = replace(run, samples_seen=samples_ever_filed(connection))
            _store(connection, _UPDATE, run)
            return samples_on_file(connection)

    def publish(
        self,
        run_id: str,
        owner: str,
        version: Version,
        pointer: Pointer | None,
        *,
        set_aside: Iterable[str] = (),
        now: float,
    ) -> None:
        with self._write() as connection:
            run = _owned_run(connection, run_id, owner)
            if not register(connection, version):
                raise AlreadyExists(f"Version {version.name} exists.", "Start another run.")
            detail = {"version": version.name, "run": run.id, "sentence": version.sentence}
            append_event(connection, AuditEvent(now, owner, "published", detail))
            if pointer is not None:
                promote(connection, pointer, expected=run.parent, run_id=run.id)
                if run.include_set_aside:
                    connection.execute("UPDATE samples SET set_aside_by = NULL")
            connection.executemany(
                "UPDATE samples SET set_aside_by = ? WHERE sha256 = ?",
                [(run.id, sha256) for sha256 in set_aside],
            )
            status = RunStatus.REFUSED if pointer is None else RunStatus.PROMOTED
            _store(connection, _UPDATE, _ended(run, status, version.sentence, now))

    def end_run(
        self, run_id: str, status: RunStatus, message: str, now: float, *, owner: str | None = None
    ) -> None:
        if status not in (RunStatus.FAILED, RunStatus.CANCELLED):
            raise ValueError(f"a run without a version ends failed or cancelled, not {status}")
        with self._write() as connection:
            run = _run(connection, run_id)
            if not run.status.active or (owner is not None and run.owner != owner):
                raise _lease_lost(run)
            _store(connection, _UPDATE, _ended(run, status, message, now))
            detail = {"run": run.id, "status": status.value, "reason": message}
            append_event(connection, AuditEvent(now, owner or "ocellus", "run_ended", detail))

    def requeue_run(self, run_id: str, now: float, lease_s: float) -> Run:
        with self._write() as connection:
            run = _run(connection, run_id)
            if not run.status.active or run.lease_until > now:
                raise _lease_lost(run)
            run = replace(run, status=RunStatus.QUEUED, owner=None, lease_until=now + lease_s)
            _store(connection, _UPDATE, run)
            return run

    def release_run(self, run_id: str, owner: str, now: float) -> Run:
        with self._write() as connection:
            run = _owned_run(connection, run_id, owner)
            run = replace(
                run,
                status=RunStatus.QUEUED,
                owner=None,
                lease_until=now,
                attempt=run.attempt - 1,
            )
            _store(connection, _UPDATE, run)
            return run

    def active_run(self) -> Run | None:
        with self._read() as connection:
            return _active_run(connection)

    def run(self, run_id: str) -> Run:
        with self._read() as connection:
            return _run(connection, run_id)

    def runs(self, limit: int = 50) -> list[Run]:
        with self._read() as connection:
            rows = connection.execute("SELECT * FROM runs ORDER BY number DESC LIMIT ?", (limit,))
            return [_from_row(row) for row in rows.fetchall()]


def _run(connection: sqlite3.Connection, run_id: str) -> Run:
    number = parse_run_id(run_id)
    row = connection.execute("SELECT * FROM runs WHERE number = ?", (number,)).fetchone()
    if row is None:
        raise NotFound(f"There is no run {run_id}.", "GET /api/runs lists the runs.")
    return _from_row(row)


def _owned_run(connection: sqlite3.Connection, run_id: str, owner: str) -> Run:
    run = _run(connection, run_id)
    if run.status is not RunStatus.RUNNING or run.owner != owner:
        raise _lease_lost(run)
    return run


def _active_run(connection: sqlite3.Connection) -> Run | None:
    row = connection.execute("SELECT * FROM runs WHERE status IN ('queued', 'running')").fetchone()
    return _from_row(row) if row else None


def _lease_lost(run: Run) -> LeaseLost:
    return LeaseLost(
        f"run {run.id} is {run.status}, owned by {run.owner or 'no one'}"
        f" until {run.lease_until:.0f}.",
        "Leave it to its owner, or look again.",
    )


def _ended(run: Run, status: RunStatus, message: str, now: float) -> Run:
    return replace(run, status=status, message=message, finished_at=now, lease_until=now)


def _from_row(row: sqlite3.Row) -> Run:
    values = dict(row)
    values["mode"] = Mode(values["mode"])
    values["status"] = RunStatus(values["status"])
    values["include_set_aside"] = bool(values["include_set_aside"])
    values["options"] = json.loads(values["options"])
    if values["progress"] is not None:
        values["progress"] = Progress(**json.loads(values["progress"]))
    return Run(**values)


def _store(connection: sqlite3.Connection, statement: str, run: Run) -> None:
    values = asdict(run)
    values["options"] = json.dumps(values["options"])
    if run.progress is not None:
        values["progress"] = json.dumps(values["progress"])
    connection.execute(statement, values)
