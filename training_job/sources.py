"""Sources: the files of a data set, whether a folder, a zip or a tar holds them."""

from __future__ import annotations

import tarfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath

from ocellus.archives import BROKEN_ZIP
from ocellus.errors import InvalidArchive
from ocellus.images import MAX_IMAGE_BYTES

Wanted = Callable[[str], bool]

_BROKEN = (tarfile.TarError, *BROKEN_ZIP)


def files(source: Path, wanted: Wanted = lambda name: True) -> Iterator[tuple[str, bytes | None]]:
    """Yield (posix name, bytes) of every file whose name is wanted, hidden ones left out; None
    stands for the bytes of a file that is empty, damaged or larger than an image may be.

    Raises: InvalidArchive if `source` is no folder, zip or tar, or breaks off.
    """

    def visible(name: str) -> bool:
        parts = PurePosixPath(name).parts
        return not any(part.startswith((".", "__MACOSX")) for part in parts) and wanted(name)

    if source.is_dir():
        yield from _folder_files(source, visible)
        return
    try:
        if zipfile.is_zipfile(source):
            yield from _zip_files(source, visible)
        elif source.is_file() and tarfile.is_tarfile(source):
            yield from _tar_files(source, visible)
        else:
            raise InvalidArchive(
                f"{source.name} is not a folder, zip or tar.",
                "Name one that holds a folder per label, or a CSV of path,label.",
            )
    except _BROKEN as e:
        raise InvalidArchive(f"{source.name} is damaged: {e}.", "Pack it again.") from e


def _folder_files(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes | None]]:
    for path in sorted(source.rglob("*")):
        name = path.relative_to(source).as_posix()
        if path.is_file() and wanted(name):
            try:
                data = path.read_bytes() if _possible(path.stat().st_size) else None
            except OSError:
                data = None
            yield name, data


def _zip_files(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes | None]]:
    with zipfile.ZipFile(source) as archive:
        for member in archive.infolist():
            if member.is_dir() or not wanted(member.filename):
                continue
            try:
                data = archive.read(member) if _possible(member.file_size) else None
            except _BROKEN:
                data = None
            yield member.filename, data


def _tar_files(source: Path, wanted: Wanted) -> Iterator[tuple[str, bytes | None]]:
    with tarfile.open(source) as archive:
        for member in archive:
            name = PurePosixPath(member.name).as_posix()
            if member.isfile() and wanted(name):
                file = archive.extractfile(member) if _possible(member.size) else None
                yield name, file.read() if file else None


def _possible(size_bytes: int) -> bool:
    return 0 < size_bytes <= MAX_IMAGE_BYTES
