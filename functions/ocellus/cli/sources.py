"""What is to be uploaded: a folder or a zip of `label/image`."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ocellus.errors import BadInput, InvalidArchive, InvalidLabel, TooLarge
from ocellus.images import CONTENT_TYPES, MAX_IMAGE_BYTES, probe
from ocellus.labels import parse_label
from ocellus.samples import sha256_of

Read = Callable[[str], bytes]

LAYOUT = "Lay it out as one folder per label with images in each."


@dataclass(frozen=True)
class LabelledFile:
    """An image of the source that can be used. `name` is its path there."""

    name: str
    label: str
    sha256: str
    size_bytes: int
    content_type: str

    @property
    def offer(self) -> dict[str, str | int]:
        """What `/api/upload/sign` asks of a file."""
        return {
            "label": self.label,
            "sha256": self.sha256,
            "size_bytes": self.size_bytes,
            "content_type": self.content_type,
        }


@contextmanager
def opened(source: Path) -> Iterator[tuple[dict[str, int], Read]]:
    """Give the source's visible files with their sizes, and how to read one, on any thread.

    Raises: InvalidArchive, for what is no zip and what holds no files.
    """
    if source.is_dir():
        paths = sorted(p for p in source.rglob("*") if p.is_file())
        sizes = {p.relative_to(source).as_posix(): p.stat().st_size for p in paths}
        yield _visible(sizes, source), lambda name: (source / name).read_bytes()
        return
    try:
        with zipfile.ZipFile(source) as archive:
            sizes = {m.filename: m.file_size for m in archive.infolist() if not m.is_dir()}
            yield _visible(sizes, source), archive.read
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as e:
        raise InvalidArchive(f"{source} cannot be read as a zip: {e}.", LAYOUT) from e


def examine(name: str, size: int, read: Read) -> LabelledFile:
    """Check a file by the rules that the server will check it by. Raises: BadInput."""
    if size > MAX_IMAGE_BYTES:
        raise TooLarge(f"It has {size} bytes; the limit is {MAX_IMAGE_BYTES}.")
    if len(PurePosixPath(name).parts) < 2:
        raise InvalidLabel(f"It lies in no folder, so it has no label. {LAYOUT}")
    label = parse_label(PurePosixPath(name).parent.name)
    data = read(name)
    kind = CONTENT_TYPES[probe(data).extension]
    return LabelledFile(name, label, sha256_of(data), len(data), kind)


def _visible(sizes: Mapping[str, int], source: Path) -> dict[str, int]:
    def hidden(name: str) -> bool:
        return any(p.startswith((".", "__MACOSX")) for p in PurePosixPath(name).parts)

    if visible := {name: size for name, size in sizes.items() if not hidden(name)}:
        return visible
    raise InvalidArchive(f"{source} holds no files.", LAYOUT)


def examined(name: str, size: int, read: Read) -> LabelledFile | BadInput:
    """Return the file, or why it cannot be used."""
    try:
        return examine(name, size, read)
    except BadInput as e:
        return e
