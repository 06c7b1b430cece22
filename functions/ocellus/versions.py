"""Model versions and the pointer to the one in service."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ocellus.errors import NotFound

_VERSION = re.compile(r"v[1-9][0-9]{0,8}")


def parse_version(text: str) -> str:
    """Return `text` if it is a version name (`v1`, `v2`, …). Raises: NotFound."""
    if not _VERSION.fullmatch(text):
        raise NotFound(
            f"{text[:80]!r} is not a version name.", "Name one like v3; GET /api/models lists them."
        )
    return text


@dataclass(frozen=True)
class Pointer:
    """Which version is in service, and who put it there. `promoted_at` in Unix seconds."""

    version: str
    previous: str | None
    promoted_at: float
    promoted_by: str
    reason: str


@dataclass(frozen=True)
class Version:
    """A published version, as the list of versions shows it; the manifest holds the rest.

    `accuracy` is top-1 on the holdout, 0 to 1. `verdict` is the gate's: "promoted", "refused"
    or "seed"; `sentence` is its reason in words.
    """

    name: str
    parent: str | None
    created_at: float
    accuracy: float | None
    classes: int
    verdict: str
    sentence: str
