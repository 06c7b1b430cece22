"""Hand-written ports in memory, for tests of use cases."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from ocellus.audit import AuditEvent
from ocellus.errors import (
    AlreadyExists,
    LeaseLost,
    NotFound,
    RunActive,
    StalePointer,
    StoreUnavailable,
)
from ocellus.runs import Mode, Options, Progress, Run, RunStatus, parse_run_id
from ocellus.samples import Filing, Sample
from ocellus.summary import Statistics, summarise
from ocellus.versions import Pointer, Version


class MemoryBlobs:
    def __init__(self, blobs: Mapping[str, bytes] | None = None) -> None:
        self.blobs = dict(blobs or {})
        self.generations: Counter[str] = Counter()

    def get(self, name: str, *, generation: int | None = None) -> bytes:
        if name not in self.blobs or generation not in (None, self.generations[name]):
            raise NotFound(f"There is no blob {name!r}.")
        return self.blobs[name]

    def put(self, name: str, data: bytes, *, overwrite: bool = False) -> None:
        if name in self.blobs and not overwrite:
            raise AlreadyExists(f"The name {name!r} is taken.")
        self.blobs[name] = data
        self.generations[name] += 1

    def exists(self, name: str) -> bool:
        return name in self.blobs

    def list(self, prefix: str = "") -> list[str]:
        return sorted(name for name in self.blobs if name.startswith(prefix))

    def delete(self, name: str, *, generation: int | None = None) -> None:
        if generation in (None, self.generations[name]):
            self.blobs.pop(name, None)


class MemoryState:
    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._pointer: Pointer | None = None
        self._since: float | None = None
        self._versions: dict[str, Version] = {}
        self._runs: dict[int, Run] = {}
        self._samples: dict[str, Sample] = {}
        self._filed = 0
        self._claims: set[str] = set()
        self._counts: Counter[str] = Counter()
        self._writers: dict[str, int] = {}
        self._statistics = summarise({}, None)
        self._events: list[AuditEvent] = []

    def pointer(self) -> Pointer | None:
        return self._pointer

    def move_pointer(self, new: Pointer, expected: str | None) -> None:
        with self._lock:
            if (self._pointer.version if self._pointer else None) != expected:
                raise StalePointer(f"The pointer is not at {expected}.")
            self.version(new.version)
            self._since = self._since or new.promoted_at
            self._pointer = new
            detail = {"version": new.version, "previous": new.previous, "reason": new.reason}
            self.record(AuditEvent(new.promoted_at, new.promoted_by, "promoted", detail))

    def service_since(self) -> float | None:
        return self._since

    def add_version(self, version: Version) -> None:
        self._versions.setdefault(version.name, version)

    def version(self, name: str) -> Version:
        if name not in self._versions:
            raise NotFound(f"There is no version {name}.")
        return self._versions[name]

    def versions(self) -> list[Version]:
        return sorted(self._versions.values(), key=lambda v: -int(v.name[1:]))

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
        with self._lock:
            if active := self.active_run():
                raise RunActive(active.id)
            taken = [*self._runs, *(int(name[1:]) for name in self._versions)]
            run = Run(
                number=max(taken, default=0) + 1,
                trigger=trigger,
                mode=mode,
                include_set_aside=include_set_aside,
                status=RunStatus.QUEUED,
                requested_by=requested_by,
                created_at=now,
                attempt=0,
                owner=None,
                lease_until=now + lease_s,
                samples_seen=self._filed,
                dataset=dataset,
                options=dict(options or {}),
            )
            self._runs[run.number] = run
            return run

    def take_run(self, run_id: str, owner: str, now: float, lease_s: float) -> Run:
        with self._lock:
            run = self.run(run_id)
            stale = run.status is RunStatus.RUNNING and run.lease_until <= now
            if run.status is not RunStatus.QUEUED and not stale:
                raise LeaseLost(f"{run_id} cannot be taken.")
            return self._store(
                run,
                status=RunStatus.RUNNING,
                owner=owner,
                attempt=run.attempt + 1,
                lease_until=now + lease_s,
                parent=self._pointer.version if self._pointer else None,
            )

    def renew_lease(
        self, run_id: str, owner: str, now: float, lease_s: float, progress: Progress | None = None
    ) -> None:
        run = self._owned(run_id, owner)
        self._store(run, lease_until=now + lease_s, progress=progress or run.progress)

    def snapshot_run(self, run_id: str, owner: str) -> list[Sample]:
        self._store(self._owned(run_id, owner), samples_seen=self._filed)
        return self.samples()

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
        with self._lock:
            run = self._owned(run_id, owner)
            if pointer and (self._pointer.version if self._pointer else None) != run.parent:
                raise StalePointer(f"The pointer is not at {run.parent}.")
            if version.name in self._versions:
                raise AlreadyExists(f"The name {version.name} is taken.")
            self._versions[version.name] = version
            if pointer:
                self.move_pointer(pointer, run.parent)
            if pointer and run.include_set_aside:
                cleared = {s: replace(x, set_aside_by=None) for s, x in self._samples.items()}
                self._samples = cleared
            for sha256 in set_aside:
                self._samples[sha256] = replace(self._samples[sha256], set_aside_by=run_id)
            status = RunStatus.PROMOTED if pointer else RunStatus.REFUSED
            self._store(run, status=status, message=version.sentence, finished_at=now)
            self.record(AuditEvent(now, run_id, "published", {"version": version.name}))

    def end_run(
        self, run_id: str, status: RunStatus, message: str, now: float, *, owner: str | None = None
    ) -> None:
        with self._lock:
            run = self.run(run_id)
            if not run.status.active or (owner is not None and run.owner != owner):
                raise LeaseLost(f"{run_id} has ended or is another's.")
            self._store(run, status=status, message=message, finished_at=now)
            detail = {"run": run_id, "status": str(status), "reason": message}
            self.record(AuditEvent(now, run.requested_by, "run_ended", detail))

    def requeue_run(self, run_id: str, now: float, lease_s: float) -> Run:
        with self._lock:
            run = self.run(run_id)
            if not run.status.active or run.lease_until > now:
                raise LeaseLost(f"{run_id} has ended or its lease holds.")
            return self._store(run, status=RunStatus.QUEUED, owner=None, lease_until=now + lease_s)

    def release_run(self, run_id: str, owner: str, now: float) -> Run:
        with self._lock:
            run = self._owned(run_id, owner)
            attempt = run.attempt - 1
            return self._store(
                run, status=RunStatus.QUEUED, owner=None, attempt=attempt, lease_until=now
            )

    def active_run(self) -> Run | None:
        return next((run for run in self._runs.values() if run.status.active), None)

    def run(self, run_id: str) -> Run:
        number = parse_run_id(run_id)
        if number not in self._runs:
            raise NotFound(f"There is no run {run_id}.")
        return self._runs[number]

    def runs(self, limit: int = 50) -> list[Run]:
        return sorted(self._runs.values(), key=lambda run: -run.number)[:limit]

    def file_sample(self, sample: Sample, claim: str | None) -> Filing:
        with self._lock:
            on_file = self._samples.get(sample.sha256)
            if on_file and on_file.label != sample.label:
                return Filing.CONFLICTING
            if claim is not None and not self.claim(claim, sample.filed_at):
                return Filing.REPLAYED
            if on_file:
                return Filing.DUPLICATE
            self._samples[sample.sha256] = sample
            self._filed += 1
            return Filing.NEW

    def claim(self, event: str, now: float, *, record: Iterable[AuditEvent] = ()) -> bool:
        with self._lock:
            is_first = event not in self._claims
            self._claims.add(event)
            self._events += record if is_first else ()
            return is_first

    def claimed(self, event: str) -> bool:
        return event in self._claims

    def samples(self) -> list[Sample]:
        return sorted(self._samples.values(), key=lambda s: s.filed_at)

    def labels_on_file(self, sha256s: Iterable[str]) -> dict[str, str]:
        return {s: self._samples[s].label for s in sha256s if s in self._samples}

    def remove_sample(self, sha256: str) -> Sample:
        if sha256 not in self._samples:
            raise NotFound(f"There is no sample {sha256}.")
        return self._samples.pop(sha256)

    def new_samples(self) -> int:
        newest = self.runs(1)
        return self._filed - (newest[0].samples_seen if newest else 0)

    def add_counts(self, counts: Mapping[str, int], writer: str, number: int, now: float) -> None:
        with self._lock:
            if number > self._writers.get(writer, 0):
                self._writers[writer] = number
                self._counts.update(counts)

    def counts(self) -> dict[str, int]:
        return dict(self._counts)

    def publish_statistics(self, now: float, min_age_s: float = 0.0) -> bool:
        with self._lock:
            published_at = self._statistics.updated_at
            if published_at is not None and now - published_at < min_age_s:
                return False
            self._statistics = summarise(self._counts, now)
            return True

    def statistics(self) -> Statistics:
        return self._statistics

    def record(self, event: AuditEvent) -> None:
        self._events.append(event)

    def history(self, limit: int = 50) -> list[AuditEvent]:
        return self._events[::-1][:limit]

    def _owned(self, run_id: str, owner: str) -> Run:
        run = self.run(run_id)
        if run.status is not RunStatus.RUNNING or run.owner != owner:
            raise LeaseLost(f"{run_id} is not {owner}'s.")
        return run

    def _store(self, run: Run, **changes: Any) -> Run:
        self._runs[run.number] = replace(run, **changes)
        return self._runs[run.number]


class FakeJobs:
    """Remembers what was started and cancelled; `broken` refuses to start."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.cancelled: list[str] = []
        self.broken = False

    def start(self, run_id: str) -> None:
        if self.broken:
            raise StoreUnavailable("The fake trainer does not start.")
        self.started.append(run_id)

    def cancel(self, run_id: str) -> None:
        self.cancelled.append(run_id)


class Faulty:
    """A port with its calls counted, which can be made unreachable."""

    def __init__(self, port: object) -> None:
        self._port = port
        self.down = False
        self.calls: Counter[str] = Counter()

    def __getattr__(self, name: str) -> Any:
        def call(*args: Any, **kwargs: Any) -> Any:
            self.calls[name] += 1
            if self.down:
                raise StoreUnavailable("The fake store is down.")
            return getattr(self._port, name)(*args, **kwargs)

        return call


class Clock:
    """A clock that a test moves."""

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
