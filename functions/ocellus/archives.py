"""Zip archives from strangers: one folder per label, read within limits."""

from __future__ import annotations

import io
import lzma
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import PurePosixPath

from ocellus.errors import InvalidArchive, TooLarge
from ocellus.images import MAX_IMAGE_BYTES

MAX_ENTRIES = 10_000
MAX_TOTAL_BYTES = 512 * 1024 * 1024
"""Unpacked, one file in memory at a time."""
MAX_RATIO = 100
"""Images hardly compress; a file that shrank a hundredfold is a bomb."""

BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error,
    NotImplementedError, RuntimeError, ValueError, IndexError, EOFError, OSError,
)  # fmt: skip
"""What zipfile was seen to raise on a mutilated archive."""

_REMEDY = "Send a zip with one folder per label and images in each."
_REMEDY_UNLABELLED = "Send a zip of images."


@dataclass(frozen=True)
class Entry:
    """One file of an archive: the folder it lay in (not yet checked as a label), name, bytes."""

    folder: str
    name: str
    data: bytes


def is_zip(data: bytes) -> bool:
    return data[:4] in (b"PK\x03\x04", b"PK\x05\x06")


def read_zip(data: bytes) -> Iterator[Entry]:
    """Yield the archive's files in order, each in the folder of its label; hidden files are passed
    over.

    Every name and declared size is checked before the first file is yielded.

    Raises: InvalidArchive, TooLarge.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = _members(archive, _REMEDY)
            for member in members:
                if len(_path(member).parts) < 2:
                    raise InvalidArchive(
                        f"The zip holds {member.filename[:80]!r} outside any folder.", _REMEDY
                    )
            for member in members:
                yield Entry(_path(member).parent.name, member.filename, _content(archive, member))
    except BROKEN_ZIP as e:
        raise InvalidArchive(f"The zip cannot be read: {e}.", _REMEDY) from e


@dataclass(frozen=True)
class Packed:
    """One file of an archive, still packed."""

    name: str
    size_bytes: int
    read: Callable[[], bytes]
    """Unpack it. Raises: InvalidArchive, about this file alone."""


def list_zip(data: bytes) -> list[Packed]:
    """List the archive's files, in any folders or none, without unpacking one; hidden files are
    passed over, every name and declared size is checked.

    Raises: InvalidArchive, TooLarge.
    """
    try:
        archive = zipfile.ZipFile(io.BytesIO(data))
        members = _members(archive, _REMEDY_UNLABELLED)
    except BROKEN_ZIP as e:
        raise InvalidArchive(f"The zip cannot be read: {e}.", _REMEDY_UNLABELLED) from e

    def unpack(member: zipfile.ZipInfo) -> bytes:
        try:
            return _content(archive, member)
        except BROKEN_ZIP as e:
            raise InvalidArchive(
                f"{member.filename[:80]!r} cannot be unpacked: {e}.", "Pack it again."
            ) from e

    return [Packed(m.filename, m.file_size, partial(unpack, m)) for m in members]


def _content(archive: zipfile.ZipFile, member: zipfile.ZipInfo) -> bytes:
    with archive.open(member) as file:
        return file.read(MAX_IMAGE_BYTES + 1)


def _members(archive: zipfile.ZipFile, remedy: str) -> list[zipfile.ZipInfo]:
    members = [m for m in archive.infolist() if not m.is_dir() and not _hidden(_path(m))]
    _check(members, remedy)
    return members


def _path(member: zipfile.ZipInfo) -> PurePosixPath:
    return PurePosixPath(member.filename.replace("\\", "/"))  # as Windows may write it


def _hidden(path: PurePosixPath) -> bool:
    return any(p.startswith((".", "__MACOSX")) and p != ".." for p in path.parts)


def _check(members: list[zipfile.ZipInfo], remedy: str) -> None:
    if not members:
        raise InvalidArchive("The zip holds no files.", remedy)
    if len(members) > MAX_ENTRIES:
        raise TooLarge(f"The zip holds {len(members)} files; the limit is {MAX_ENTRIES}.", remedy)
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
                f"The zip holds the name {member.filename[:80]!r}, which leads outside it.", remedy
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
