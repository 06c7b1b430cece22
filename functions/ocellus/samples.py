"""A sample: one labelled image, known by the hash of its bytes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

Split = Literal["train", "holdout"]

HOLDOUT_FRACTION = 0.1
TRAIN, HOLDOUT, TEST = 0, 1, 2
"""Splits as arrays hold them. TEST images are those that a data set itself sets apart."""


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def split_of(sha256: str) -> Split:
    """Say which split an image belongs to, from its content alone.

    The first 32 bits of the hash, as a fraction of 2**32, under 0.1: holdout. The answer never
    changes, whatever the image is called and whichever run asks.
    """
    return "holdout" if int(sha256[:8], 16) < HOLDOUT_FRACTION * 2**32 else "train"


@dataclass(frozen=True)
class Sample:
    """One labelled image on file.

    `set_aside_by` names the run whose refusal took the sample out of training, if one did.
    """

    sha256: str
    label: str
    extension: str
    size_bytes: int
    filed_at: float
    source: str
    set_aside_by: str | None = None

    @property
    def split(self) -> Split:
        return split_of(self.sha256)

    @property
    def blob_name(self) -> str:
        return f"samples/{self.label}/{self.sha256}.{self.extension}"


class Filing(StrEnum):
    """What became of a sample that was handed in."""

    NEW = "new"
    DUPLICATE = "duplicate"
    CONFLICTING = "conflicting"
    """The same image is on file under another label."""
    REPLAYED = "replayed"
    """The event that brought it had been claimed before."""
