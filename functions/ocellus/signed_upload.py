"""Leave to store one blob, to hand to whoever has the bytes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class SignedUpload:
    """Leave to store one blob: PUT its bytes to `url` with these `headers`, and no other request.

    A `url` that starts with `/` is on the site that serves the page.
    """

    url: str
    headers: Mapping[str, str]
