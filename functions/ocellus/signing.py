"""Signing: leave to upload files straight into the inbox, and what has become of them.

A file's name in the inbox comes from its label and its hash, so the same upload asked for again is
the same upload: what has been filed or waits to be filed is not sent twice, and an upload that was
killed goes on by asking once more.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from ocellus.errors import BadInput, TooLarge
from ocellus.images import CONTENT_TYPES, MAX_IMAGE_BYTES
from ocellus.labels import parse_label
from ocellus.ports import Blobs, State
from ocellus.signed_upload import SignedUpload
from ocellus.uploads import MAX_OBJECT_BYTES, SIGNED, conflict

MAX_FILES = 100
"""In one request. On Cloud Run every signature is a call of IAM, some 30 to 50 ms: half a second
for a hundred, eight at a time.
"""
EXPIRES_S = 3600
ZIP = "application/zip"
IMAGES = (*CONTENT_TYPES.values(), "application/octet-stream")
"""A browser may not know an image's kind; when it is filed its bytes decide."""

_AT_ONCE = 8
_SHA256 = re.compile("[0-9a-f]{64}")


class Status(StrEnum):
    """What is to be done with a file, or has been."""

    UPLOAD = "upload"
    """Send it."""
    WAITING = "waiting"
    """It lies in the inbox."""
    ON_FILE = "on_file"
    """It is on file under its label: nothing is to be done. Of a zip that is never said."""
    CONFLICTING = "conflicting"
    """The same image is on file under another label."""
    REJECTED = "rejected"
    """It cannot be used."""


@dataclass(frozen=True)
class Offer:
    """A file that somebody would like to upload: an image with its label, or a zip, which brings
    its labels in it.
    """

    label: str | None
    sha256: str
    size_bytes: int
    content_type: str

    @property
    def name(self) -> str:
        """The file's name in the inbox. An image's folder is its label; a zip's can be none, so
        that what only says that it is a zip is not filed.
        """
        return f"{SIGNED}{self.label or '@zips'}/{self.sha256}"


@dataclass(frozen=True)
class Answer:
    """A file's status; its name in the inbox, if it may have one; how to send it, if it is to be
    sent; what is wrong, if something is. A `resumable` upload is a session of `Blobs.start_upload`.
    """

    status: Status
    name: str | None = None
    upload: SignedUpload | None = None
    resumable: bool = False
    reason: str = ""


def parse_offer(fields: object) -> Offer:
    """Return what the fields `label`, `sha256`, `size_bytes`, `content_type` offer.

    Raises: BadInput, InvalidLabel, TooLarge.
    """
    known = fields if isinstance(fields, Mapping) else {}
    sha256, size, kind = (known.get(k) for k in ("sha256", "size_bytes", "content_type"))
    if not (isinstance(sha256, str) and _SHA256.fullmatch(sha256)):
        raise BadInput("There is no sha256 of the file.", "Send its 64 hexadecimal digits.")
    if type(size) is not int or size < 1:
        raise BadInput("There is no size of the file.", "Send `size_bytes`, 1 or more.")
    if kind not in (*IMAGES, ZIP):
        raise BadInput(
            f"The content type is {str(kind)[:80]!r}.",
            f"Send one of {', '.join((*IMAGES, ZIP))}.",
        )
    limit = MAX_OBJECT_BYTES if kind == ZIP else MAX_IMAGE_BYTES
    if size > limit:
        raise TooLarge(f"It has {size} bytes; the limit is {limit}.", "Send it smaller.")
    label = None if kind == ZIP else parse_label(str(known.get("label") or ""))
    return Offer(label, sha256, size, str(kind))


def sign(
    inbox: Blobs, state: State, files: Sequence[object], *, origin: str | None = None
) -> list[Answer]:
    """Answer for each file, in order; one that cannot be used costs no other. `origin` is that of
    the page that asks, if one does.

    Raises: BadInput for no files or more than MAX_FILES.
    """
    if not 1 <= len(files) <= MAX_FILES:
        raise BadInput(f"There are {len(files)} files.", f"Ask for 1 to {MAX_FILES} at a time.")
    offers = [_offer_or_fault(fields) for fields in files]
    valid = {offer for offer in offers if isinstance(offer, Offer)}
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        # The inbox first: what leaves it after this is on file by the time that is asked.
        is_waiting = dict(zip(valid, pool.map(lambda o: inbox.exists(o.name), valid), strict=True))
        absent = {offer for offer in valid if not is_waiting[offer]}
        labels = state.labels_on_file([offer.sha256 for offer in absent if offer.label])

        def answer(offer: Offer | Answer) -> Answer:
            if isinstance(offer, Answer):
                return offer
            if is_waiting[offer]:
                return Answer(Status.WAITING, offer.name)
            if (on_file := labels.get(offer.sha256)) is None:
                return _leave_to_upload(inbox, offer, origin)
            if on_file == offer.label:
                return Answer(Status.ON_FILE, offer.name)
            return Answer(Status.CONFLICTING, offer.name, reason=conflict(offer.sha256))

        return list(pool.map(answer, offers))


def _offer_or_fault(fields: object) -> Offer | Answer:
    try:
        return parse_offer(fields)
    except BadInput as e:
        return Answer(Status.REJECTED, reason=str(e))


def _leave_to_upload(inbox: Blobs, offer: Offer, origin: str | None) -> Answer:
    if offer.content_type == ZIP:
        url = inbox.start_upload(offer.name, ZIP, offer.size_bytes, origin)
        return Answer(Status.UPLOAD, offer.name, SignedUpload(url, {}), resumable=True)
    signed = inbox.sign_upload(offer.name, offer.content_type, offer.size_bytes, EXPIRES_S)
    return Answer(Status.UPLOAD, offer.name, signed)


def as_json(answer: Answer) -> dict[str, Any]:
    """Return the answer as a client gets it."""
    upload = answer.upload and {
        "method": "PUT",
        "url": answer.upload.url,
        "headers": dict(answer.upload.headers),
        "resumable": answer.resumable,
    }
    return {
        "status": answer.status,
        "object": answer.name,
        "upload": upload,
        "reason": answer.reason,
    }
