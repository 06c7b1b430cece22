"""Zip archives from strangers: one folder per label, read within limits."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

from ocellus.errors import InvalidArchive, TooLarge
from ocellus.images import MAX_IMAGE_BYTES

MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""Unpacked, one file in memory at a time."""
MAX_RATIO = 100
"""Images hardly compress; a file that shrank a hundredfold is a bomb."""

_BROKEN = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    NotImplementedError, RuntimeError, ValueError, IndexError, EOFError, OSError,
)  # fmt: skip
"""What zipfile was seen to raise on a mutilated archive."""

_REMEDY = "Send a zip with one folder per label and images in each."


@dataclass(frozen=True)
class Entry:
    """One file of an archive: the folder it lay in (not yet checked as a label), name, bytes."""

    folder: str
    name: str
    data: bytes


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read_zip(data: bytes) -> Iterator[Entry]:
    """Yield the archive's files in order; hidden files are passed over.

    Every name and declared size is checked before the first file is yielded.

    Raises: InvalidArchive, TooLarge.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = [m for m in archive.infolist() if not m.is_dir() and not _hidden(_path(m))]
            _check(members)
            for member in members:
                with archive.open(member) as file:
                    content = file.read(MAX_IMAGE_BYTES + 1)
                yield Entry(_path(member).parent.name, member.filename, content)
    except _BROKEN as e:
        raise InvalidArchive(f"The zip cannot be read: {e}.", _REMEDY) from e


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))  # as Windows may write it


def _hidden(path: PurePosixPath) -> bool:
    return any(p.startswith((".", "__MACOSX")) and p != ".." for p in path.parts)


def _check(members: list[zipfile.ZipInfo]) -> None:
    if not members:
        raise InvalidArchive("The zip holds no files.", _REMEDY)
    if len(members) > MAX_ENTRIES:
        raise TooLarge(f"The zip holds {len(members)} files; the limit is {MAX_ENTRIES}.", _REMEDY)
    total = sum(m.file_size for m in members)
    if total > MAX_TOTAL_BYTES:
        raise TooLarge(
            f"The zip unpacks to {total} bytes; the limit is {MAX_TOTAL_BYTES}.",
            "Send it in parts.",
        )
    for member in members:
        path = _path(member)
        if path.is_absolute() or ".." in path.parts or ":" in path.parts[0]:
            raise InvalidArchive(
                f"The zip holds the name {member.filename[:80]!r}, which leads outside it.", _REMEDY
            )
        if len(path.parts) < 2:
            raise InvalidArchive(
                f"The zip holds {member.filename[:80]!r} outside any folder.", _REMEDY
            )
        if member.file_size > MAX_IMAGE_BYTES:
            raise TooLarge(
                f"{member.filename[:80]!r} unpacks to {member.file_size} bytes; "
                f"the limit is {MAX_IMAGE_BYTES}.",
                "Leave it out.",
            )
        if member.file_size > MAX_RATIO * max(member.compress_size, 1024):
            raise InvalidArchive(
                f"{member.filename[:80]!r} is packed {member.compress_size} bytes to "
                f"{member.file_size}: no image shrinks so.",
                "Leave it out.",
            )
