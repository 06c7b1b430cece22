"""Uploads: labelled images in, samples on file, each once."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ocellus.archives import Entry, is_zip, read_zip
from ocellus.audit import AuditEvent
from ocellus.blob_names import is_blob_name
from ocellus.errors import AlreadyExists, BadInput, NotFound, TooLarge
from ocellus.images import probe
from ocellus.labels import parse_label
from ocellus.ports import Blobs, State
from ocellus.samples import Filing, Sample, sha256_of

MAX_OBJECT_BYTES = 256 * 1024 * 1024
"""Of one dropped object, which is read whole."""

SIGNED = "signed/"
"""Where signed uploads lie in the inbox. They leave it even if they cannot be used: whoever sent
one has it still, is told why, and may send it again under this name once the reason is gone.
"""


@dataclass
class Receipt:
    """What became of an upload: counts by outcome, new samples by label, faults by file."""

    outcomes: Counter[Filing] = field(default_factory=Counter)
    labels: Counter[str] = field(default_factory=Counter)
    rejected: list[tuple[str, str]] = field(default_factory=list)


def file_image(
    blobs: Blobs,
    state: State,
    *,
    label: str,
    data: bytes,
    source: str,
    now: float,
    claim: str | None = None,
) -> Filing:
    """Check one labelled image and put it on file.

    The blob is written before the sample is filed, and both steps may be repeated: a crash between
    them loses nothing and leaves nothing half-done.

    Raises: InvalidLabel, InvalidImage, TooLarge.
    """
    sample = Sample(
        sha256=sha256_of(data),
        label=parse_label(label),
        extension=probe(data).extension,
        size_bytes=len(data),
        filed_at=now,
        source=source,
    )
    with suppress(AlreadyExists):  # the same bytes under the same label
        blobs.put(sample.blob_name, data)
    filing = state.file_sample(sample, claim)
    if filing is Filing.CONFLICTING:
        blobs.delete(sample.blob_name)
    return filing


def file_entries(
    blobs: Blobs,
    state: State,
    entries: Iterable[Entry],
    receipt: Receipt,
    *,
    source: str,
    now: float,
    claim: str | None = None,
) -> None:
    """File each image and enter it on the receipt; one that cannot be used is listed there and
    the rest go on. `claim` is the event that brought a single image. Raises what `entries` raises.
    """
    for entry in entries:
        try:
            filing = file_image(
                blobs,
                state,
                label=entry.folder,
                data=entry.data,
                source=source,
                now=now,
                claim=claim,
            )
        except BadInput as e:
            receipt.rejected.append((entry.name, str(e)))
            continue
        receipt.outcomes[filing] += 1
        if filing is Filing.NEW:
            receipt.labels[parse_label(entry.folder)] += 1
        elif filing is Filing.CONFLICTING:
            receipt.rejected.append((entry.name, conflict(sha256_of(entry.data))))


def conflict(sha256: str) -> str:
    """Say what is wrong with an image that is on file under another label."""
    return (
        "The same image is on file under another label. To change it, first "
        f"DELETE /api/samples/{sha256}."
    )


def remove(blobs: Blobs, state: State, sha256: str, *, by: str, now: float) -> Sample:
    """Take a sample off file; versions that learned it stay as they are. Raises: NotFound."""
    sample = state.remove_sample(sha256)
    blobs.delete(sample.blob_name)
    state.record(AuditEvent(now, by, "removed", {"sha256": sha256, "label": sample.label}))
    return sample


def _summary(name: str, receipt: Receipt) -> dict[str, object]:
    return {
        "object": name,
        "new": receipt.labels.total(),
        "labels": dict(receipt.labels),
        "duplicate": receipt.outcomes[Filing.DUPLICATE],
        "rejected": len(receipt.rejected),
    }


def take_object(
    inbox: Blobs,
    blobs: Blobs,
    state: State,
    *,
    bucket: str,
    name: str,
    generation: str,
    size_bytes: int,
    now: float,
) -> None:
    """Take one dropped object, `label/image` or a zip of such, out of the inbox and on file.

    The event is claimed by bucket, object and generation in the same step that files the sample,
    so however often it comes the sample is counted once, and a crash before that step only means
    that the next delivery does the work. What cannot be used stays in the inbox, unless it was
    SIGNED, and its fault goes to the audit trail, and so does what became of a zip.
    """
    event = f"{bucket}/{name}/{generation}"
    receipt = Receipt()
    source = f"inbox:{name}"
    is_whole_zip = False
    try:
        if size_bytes > MAX_OBJECT_BYTES:
            raise TooLarge(
                f"The object has {size_bytes} bytes; the limit is {MAX_OBJECT_BYTES}.",
                "Drop it in parts.",
            )
        if not is_blob_name(name):
            raise BadInput("That is a folder's name or a hidden file's.", "Drop label/image.")
        data = inbox.get(name)
        if is_zip(data):
            file_entries(blobs, state, read_zip(data), receipt, source=source, now=now)
            is_whole_zip = True
        else:
            entry = Entry(PurePosixPath(name).parent.name, name, data)
            file_entries(blobs, state, [entry], receipt, source=source, now=now, claim=event)
    except NotFound:
        return  # taken by an earlier delivery
    except BadInput as e:
        receipt.rejected.append((name, str(e)))
    if receipt.rejected and state.claim(f"rejected {event}", now):
        for file, reason in receipt.rejected[:20]:
            detail = {"object": name, "file": file, "reason": reason}
            state.record(AuditEvent(now, "inbox", "rejected", detail))
    if is_whole_zip and state.claim(f"uploaded {event}", now):  # last: nothing more is to come
        state.record(AuditEvent(now, "inbox", "uploaded", _summary(name, receipt)))
    if not receipt.rejected or name.startswith(SIGNED):
        inbox.delete(name)
