"""The serving pointer and the model versions in Firestore."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any

from google.cloud.firestore import Maximum, Query, WriteBatch

from ocellus.adapters.gcp.firestore_audit import append_event
from ocellus.adapters.gcp.firestore_database import FirestoreDatabase, Snapshot, store
from ocellus.adapters.gcp.firestore_documents import Documents
from ocellus.audit import AuditEvent
from ocellus.errors import NotFound, StalePointer
from ocellus.versions import Pointer, Version, parse_version


class FirestoreServing(FirestoreDatabase):
    """The part of State that keeps the pointer and the versions."""

    def pointer(self) -> Pointer | None:
        (found,) = self._get(self._documents.pointer)
        return Pointer(**_values(Pointer, found)) if found.exists else None

    def move_pointer(self, new: Pointer, expected: str | None) -> None:
        version = self._documents.version(parse_version(new.version))

        def move(batch: WriteBatch) -> None:
            pointer, target = self._get(self._documents.pointer, version)
            if not target.exists:
                raise _no_version(new.version)
            promote(batch, self._documents, pointer, new, expected)

        self._decide(move)

    def service_since(self) -> float | None:
        (found,) = self._get(self._documents.pointer)
        return found.get("service_since") if found.exists else None

    def add_version(self, version: Version) -> None:
        document = self._documents.version(parse_version(version.name))

        def add(batch: WriteBatch) -> None:
            (found,) = self._get(document)
            if not found.exists:
                register(batch, self._documents, version)

        self._decide(add)

    def version(self, name: str) -> Version:
        (found,) = self._get(self._documents.version(parse_version(name)))
        if not found.exists:
            raise _no_version(name)
        return Version(**_values(Version, found))

    def versions(self) -> list[Version]:
        newest_first = self._documents.versions.order_by("number", direction=Query.DESCENDING)
        return [Version(**_values(Version, found)) for found in self._query(newest_first)]


def version_in_service(pointer: Snapshot) -> str | None:
    return pointer.get("version") if pointer.exists else None


def register(batch: WriteBatch, documents: Documents, version: Version) -> None:
    """Add the version on condition that its name is not taken."""
    number = int(parse_version(version.name).removeprefix("v"))
    batch.create(documents.version(version.name), asdict(version) | {"number": number})
    batch.set(documents.control, {"newest": Maximum(number)}, merge=True)


def promote(
    batch: WriteBatch,
    documents: Documents,
    pointer: Snapshot,
    new: Pointer,
    expected: str | None,
    run_id: str | None = None,
) -> None:
    """Move the pointer from `expected`, on condition that it is still as it was seen, and say so
    in the audit trail.

    Raises: StalePointer.
    """
    current = version_in_service(pointer)
    if current != expected:
        raise StalePointer(
            f"The pointer is at {current or 'no version'}, not at {expected or 'no version'}.",
            "Look at what is in service now, then decide again.",
        )
    values = asdict(new)
    store(batch, pointer, values if pointer.exists else values | {"service_since": new.promoted_at})
    detail = {"version": new.version, "previous": new.previous, "reason": new.reason}
    if run_id is not None:
        detail["run"] = run_id
    append_event(batch, documents, AuditEvent(new.promoted_at, new.promoted_by, "promoted", detail))


def _no_version(name: str) -> NotFound:
    return NotFound(f"There is no version {name}.", "GET /api/models lists the versions.")


def _values(kind: type[Pointer] | type[Version], found: Snapshot) -> dict[str, Any]:
    return {field.name: found.get(field.name) for field in fields(kind)}
