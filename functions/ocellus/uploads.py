"""Uploads: labelled images in, samples on file, each once."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import PurePosixPath

from ocellus.archives import Entry, is_zip, read_zip
from ocellus.audit import AuditEvent
from ocellus.blob_names import is_blob_name
from ocellus.dropped import Dropped
from ocellus.errors import AlreadyExists, BadInput, NotFound, StoreUnavailable, TooLarge
from ocellus.images import probe
from ocellus.labels import parse_label
from ocellus.ports import Blobs, State
from ocellus.samples import Filing, Sample, sha256_of

MAX_OBJECT_BYTES = 256 * 1024 * 1024
"""Of one dropped object, which is read whole."""
MAX_REJECTIONS = 20
"""In the audit trail, of one dropped object."""

log = logging.getLogger("ocellus.uploads")

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
    the rest go on. `claim` is the event that brought a single image.

    Raises: what `entries` raises; StoreUnavailable.
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
        except StoreUnavailable:
            raise
        except Exception as e:
            receipt.rejected.append((entry.name, _reason(e)))
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


def take_object(inbox: Blobs, blobs: Blobs, state: State, dropped: Dropped, now: float) -> None:
    """Take one dropped object, `label/image` or a zip of such, out of the inbox and on file.

    A single image's event is claimed in the same step that files it, the images of a zip are known
    by their content, and the object goes last: however often the event comes, each image is counted
    once, and a crash anywhere only means that the next delivery does the rest. An event that has
    been overtaken, its object gone or overwritten, changes nothing.

    What cannot be used stays in the inbox, unless it was SIGNED: the reasons go to the audit trail,
    once, and no later delivery touches it again. What became of a zip goes there, too. Raises
    nothing but what waiting can mend.
    """
    set_aside = f"set aside {dropped.event}"
    is_signed = dropped.name.startswith(SIGNED)
    if state.claimed(set_aside):
        if is_signed:
            inbox.delete(dropped.name, generation=dropped.generation)
        return
    receipt = Receipt()
    outcome: list[AuditEvent] = []
    try:
        data = _read(inbox, dropped)
        if is_signed:
            _check_signed(dropped.name, data)
        source = f"inbox:{dropped.name}"
        if is_zip(data):
            file_entries(blobs, state, read_zip(data), receipt, source=source, now=now)
            outcome = [AuditEvent(now, "inbox", "uploaded", _summary(dropped.name, receipt))]
        else:
            entry = Entry(PurePosixPath(dropped.name).parent.name, dropped.name, data)
            file_entries(
                blobs, state, [entry], receipt, source=source, now=now, claim=dropped.event
            )
    except NotFound:
        return  # taken by an earlier delivery, or overwritten: then another event tells of it
    except StoreUnavailable:
        raise
    except Exception as e:
        receipt.rejected.append((dropped.name, _reason(e)))
    if receipt.rejected:
        record = [*_rejections(dropped.name, receipt, now), *outcome]  # a zip's outcome is the last
        state.claim(set_aside, now, record=record)
    elif outcome:
        state.claim(f"uploaded {dropped.event}", now, record=outcome)
    if is_signed or not receipt.rejected:
        inbox.delete(dropped.name, generation=dropped.generation)


def refuse_event(state: State, fault: BadInput, now: float) -> None:
    """Record that an event tells of nothing that could be taken: each fault once, in however many
    events it comes.
    """
    detail = {"file": "an event", "reason": str(fault)}
    state.claim(f"refused {fault}", now, record=[AuditEvent(now, "inbox", "rejected", detail)])


def _check_signed(name: str, data: bytes) -> None:
    """Hold a signed upload to the file that it was signed for: whoever got hold of its URL can send
    nothing else. Raises: BadInput.
    """
    if sha256_of(data) != PurePosixPath(name).name:
        raise BadInput(
            "The bytes are not those that the upload was signed for.",
            "Ask /api/upload/sign for this file, with its own sha256.",
        )


def _read(inbox: Blobs, dropped: Dropped) -> bytes:
    """Raises: BadInput; NotFound if that generation is no longer there."""
    if dropped.size_bytes > MAX_OBJECT_BYTES:
        raise TooLarge(
            f"The object has {dropped.size_bytes} bytes; the limit is {MAX_OBJECT_BYTES}.",
            "Drop it in parts.",
        )
    if not is_blob_name(dropped.name):
        raise BadInput("That is a folder's name or a hidden file's.", "Drop label/image.")
    return inbox.get(dropped.name, generation=dropped.generation)


def _rejections(name: str, receipt: Receipt, now: float) -> list[AuditEvent]:
    return [
        AuditEvent(now, "inbox", "rejected", {"object": name, "file": file, "reason": reason})
        for file, reason in receipt.rejected[:MAX_REJECTIONS]
    ]


def _reason(error: Exception) -> str:
    """Say why a file cannot be used. A fault that nobody foresaw, as in a decoder, would be met
    again at the next try, so it is a reason too.
    """
    if isinstance(error, BadInput):
        return str(error)
    log.error("a file could not be read", exc_info=error)
    return f"It could not be read: {type(error).__name__}: {error}."
