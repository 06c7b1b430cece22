"""An object dropped into the inbox, as its event tells of it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ocellus.errors import BadInput

FINALIZED = "google.cloud.storage.object.v1.finalized"

_DIGITS = re.compile("[0-9]{1,19}")
_REMEDY = "See what triggers on_upload: only finalized objects of the inbox bucket may."


@dataclass(frozen=True)
class Dropped:
    """One generation of one object: what was stored under a name at a time."""

    bucket: str
    name: str
    generation: int
    size_bytes: int

    @property
    def event(self) -> str:
        """What all events that tell of it have in common; their ids may differ."""
        return f"{self.bucket}/{self.name}/{self.generation}"


def parse_dropped(kind: str, data: Any, inbox_bucket: str) -> Dropped:
    """Return the object that an event of type `kind` with these `data` tells of.

    Source: https://cloud.google.com/eventarc/docs/cloudevents-storage

    Raises: BadInput, with the same reason however often the event comes.
    """
    if kind != FINALIZED:
        raise _malformed(f"is of type {kind!r:.80}")
    if not isinstance(data, Mapping):
        raise _malformed("tells of no object")
    if data.get("bucket") != inbox_bucket:
        raise _malformed(f"is of the bucket {data.get('bucket')!r:.80}, not of {inbox_bucket!r}")
    name = data.get("name")
    if not isinstance(name, str) or not _can_name_an_object(name):
        raise _malformed(f"names the object {name!r:.200}")
    generation = _int64(data.get("generation"))
    if not generation:
        raise _malformed(f"says of {name!r:.200} the generation {data.get('generation')!r:.80}")
    # Protobuf's JSON leaves zeros out. Source: https://protobuf.dev/programming-guides/json
    size_bytes = _int64(data.get("size", 0))
    if size_bytes is None:
        raise _malformed(f"says of {name!r:.200} the size {data.get('size')!r:.80}")
    return Dropped(inbox_bucket, name, generation, size_bytes)


def _malformed(what: str) -> BadInput:
    return BadInput(f"The event {what}.", _REMEDY)


def _can_name_an_object(text: str) -> bool:
    """Source: https://cloud.google.com/storage/docs/objects#naming"""
    try:
        return 1 <= len(text.encode()) <= 1024
    except UnicodeEncodeError:  # half of a surrogate pair, which JSON can spell
        return False


def _int64(value: Any) -> int | None:
    """Return the number that JSON gives as such or, as protobuf does, in a string."""
    if isinstance(value, bool) or not _DIGITS.fullmatch(str(value)):
        return None
    return int(value) if int(value) < 2**63 else None
