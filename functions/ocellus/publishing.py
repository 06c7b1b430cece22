"""Publishing: versions go into service, forward and back."""

from __future__ import annotations

from pathlib import Path

from ocellus.errors import AlreadyExists, Conflict, NotFound, StalePointer
from ocellus.manifest import ARTIFACTS, Manifest, blob_name
from ocellus.ports import Blobs, State
from ocellus.serving import load_classifier
from ocellus.versions import Pointer, Version, parse_version


def promote(
    blobs: Blobs, state: State, version: str, *, by: str, reason: str, now: float
) -> Pointer:
    """Put a version in service after loading and checking it whole.

    Raises: NotFound, InvalidManifest, StalePointer, Conflict if it is in service already.
    """
    state.version(parse_version(version))
    current = state.pointer()
    if current and current.version == version:
        raise Conflict(f"{version} is in service already.", "Nothing needs to be done.")
    load_classifier(blobs, version)
    previous = current.version if current else None
    pointer = Pointer(version, previous, now, by, reason)
    state.move_pointer(pointer, previous)
    return pointer


def roll_back(blobs: Blobs, state: State, *, by: str, now: float) -> Pointer:
    """Put the version before the present one in service again.

    Raises: NotFound if there is none; else as `promote`.
    """
    current = state.pointer()
    if current is None or current.previous is None:
        raise NotFound("There is no version to roll back to.", "Promote one by name instead.")
    reason = f"rolled back from {current.version}"
    return promote(blobs, state, current.previous, by=by, reason=reason, now=now)


def install_seed(blobs: Blobs, state: State, folder: Path, now: float) -> None:
    """Publish the version in `folder` and put it in service, if nothing is. May be repeated, and
    by several processes at once. Raises: InvalidManifest.
    """
    if state.pointer() is not None:
        return
    raw = (folder / "manifest.json").read_bytes()
    manifest = Manifest.from_json(raw)
    files = {name: manifest.verify(name, (folder / name).read_bytes()) for name in ARTIFACTS}
    evidence = [folder / "report.json", *sorted(folder.glob("plots/*"))]
    files |= {path.relative_to(folder).as_posix(): path.read_bytes() for path in evidence}
    files["manifest.json"] = raw
    for name, data in files.items():
        try:
            blobs.put(blob_name(manifest.version, name), data)
        except AlreadyExists:
            continue
    sentence = "The seed model, trained before this installation began."
    state.add_version(
        Version(
            manifest.version, None, manifest.created_at, manifest.metrics["holdout"]["accuracy"],
            len(manifest.labels), "seed", sentence,
        )
    )  # fmt: skip
    try:
        state.move_pointer(Pointer(manifest.version, None, now, "install", sentence), None)
    except StalePointer:
        return
