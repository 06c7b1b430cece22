"""Resumable uploads on disk: a file for what has arrived of each, until it is whole."""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path

KEPT_S = 7 * 86400.0
"""As long as Cloud Storage keeps a session."""


class PartFiles:
    """The parts of one bucket's sessions, in a folder of their own. Threads and processes may
    write the same bytes of a session at once, as when a client sends again what a slow connection
    is still delivering.
    """

    def __init__(self, folder: Path) -> None:
        """Use the folder, made at the first write; remove what nobody can go on with."""
        self._folder = folder
        if folder.is_dir():
            for file in folder.iterdir():
                with suppress(FileNotFoundError):
                    if time.time() - file.stat().st_mtime > KEPT_S:
                        file.unlink()

    def path(self, session: str) -> Path:
        """Return where the session's bytes lie."""
        return self._folder / session

    def received(self, session: str) -> int:
        """Return how many of the first bytes have arrived."""
        try:
            return self.path(session).stat().st_size
        except FileNotFoundError:
            return 0

    def write(self, session: str, offset: int, data: bytes) -> None:
        """Keep bytes whose `offset` is at most what has been received."""
        self._folder.mkdir(exist_ok=True)
        descriptor = os.open(self.path(session), os.O_WRONLY | os.O_CREAT, 0o666)
        try:
            os.pwrite(descriptor, data, offset)
        finally:
            os.close(descriptor)

    def is_finished(self, session: str) -> bool:
        return self._marker(session).exists()

    def finish(self, session: str) -> None:
        """Remember that the upload has been stored, and let go of its bytes."""
        self._marker(session).touch()
        self.path(session).unlink(missing_ok=True)

    def _marker(self, session: str) -> Path:
        return self._folder / f"{session}.stored"
