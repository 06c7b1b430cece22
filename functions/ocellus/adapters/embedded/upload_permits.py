"""Leave to upload one blob, written into a URL that only this deployment can make."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import astuple, dataclass
from pathlib import Path

UPLOADS_PATH = "/uploads/"
"""Where the local platform takes signed uploads; the token follows."""


@dataclass(frozen=True)
class Permit:
    """What a signed upload may do. `expires_at` is in Unix seconds.

    With a `session` it is a resumable upload of exactly `max_bytes`; without, one PUT stores it.
    """

    name: str
    content_type: str
    max_bytes: int
    expires_at: float
    session: str = ""


class UploadKey:
    """Signs permits with a secret in a file (mode 0600), made at first use."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def sign(self, permit: Permit) -> str:
        """Return the permit as a token that fits into a URL."""
        content = base64.urlsafe_b64encode(json.dumps(astuple(permit)).encode()).decode()
        return f"{content}.{self._signature(content)}"

    def read(self, token: str) -> Permit | None:
        """Return what a token allows; None if it was not signed with this key."""
        content, _, signature = token.partition(".")
        if not hmac.compare_digest(signature.encode(), self._signature(content).encode()):
            return None
        return Permit(*json.loads(base64.urlsafe_b64decode(content)))

    def _signature(self, content: str) -> str:
        return hmac.new(self._secret(), content.encode(), hashlib.sha256).hexdigest()

    def _secret(self) -> bytes:
        if not self._file.exists():
            # Written whole before it has its name, so that no process ever reads half a key.
            descriptor, part = tempfile.mkstemp(dir=self._file.parent, prefix=".")  # mode 0600
            with os.fdopen(descriptor, "wb") as file:
                file.write(secrets.token_bytes(32))
            with suppress(FileExistsError):  # another process was first
                os.link(part, self._file)
            os.unlink(part)
        return self._file.read_bytes()
