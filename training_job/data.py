"""Data sets: a folder, a zip or a tar of `label/image`, as arrays, split by content."""

from __future__ import annotations

import hashlib
import io
import tarfile
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice, repeat
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocellus.errors import BadInput, InvalidArchive
from ocellus.images import decode
from ocellus.labels import parse_label
from ocellus.samples import HOLDOUT, TEST, TRAIN, sha256_of, split_of

_FILE_LIMIT = 20 * 1024 * 1024
_CHUNK = 512
SIDES = (32, 48, 64, 96, 128, 160, 192, 224)
"""The input sides that a network may have."""
_MOST_BY_ITSELF = 96

Report = Callable[[int], None]


@dataclass(frozen=True)
class Duplicate:
    """Two images of a data set, by their keys, that show the same picture.

    `exact`: their files have the same bytes. `left_out`: the first was taken out of the data set,
    or else the network would be measured on a picture that it was trained on.
    """

    key: int
    of: int
    exact: bool
    left_out: bool


@dataclass(frozen=True)
class Dataset:
    """Decoded images with their labels and splits.

    images: uint8 [n, side, side, 3], RGB. classes: int64 [n], indices into `labels`.
    keys: uint64 [n], the first 64 bits of each file's sha256. splits: uint8 [n], TRAIN, HOLDOUT
    or TEST. TEST images are those under a top folder `test`; the rest are split by their hash.
    twice: uint8 [p, 2, side, side, 3], some pairs of near duplicates to show.
    """

    labels: list[str]
    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    splits: npt.NDArray[np.uint8]
    unreadable: list[str]
    duplicates: tuple[Duplicate, ...] = ()
    twice: npt.NDArray[np.uint8] | tuple[()] = ()

    def part(self, split: int) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
        """Return the split's images and classes."""
        chosen = self.splits == split
        return self.images[chosen], self.classes[chosen]

    def digest(self) -> str:
        """Return a sha256 over keys, labels and splits, the same in any order of files."""
        rows = sorted(
            f"{k:016x} {self.labels[c]} {s}"
            for k, c, s in zip(self.keys, self.classes, self.splits, strict=True)
        )
        return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def key_of(sha256: str) -> int:
    """Return the first 64 bits of a sha256: how arrays name an image."""
    return int(sha256[:16], 16)


def choose_side(entries: list[tuple[str, bytes]]) -> int:
    """Return the input side that suits the images: what half of them have at least in both
    directions, at most 96, since the cost of training grows with its square.
    """
    sides = []
    for _, data in entries:
        try:
            with Image.open(io.BytesIO(data)) as image:
                sides.append(min(image.size))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
    most = min(float(np.median(sides)) if sides else 0.0, _MOST_BY_ITSELF)
    return max([side for side in SIDES if side <= most], default=SIDES[0])


def read_dataset(source: Path, side: int | None = None, report: Report = lambda n: None) -> Dataset:
    """Read and decode every image of a folder, zip or tar laid out `[train|test/]label/image`, to
    `side` pixels, or to what suits the first images.

    Files that cannot be decoded are listed, not fatal. An image that stands several times is kept
    once, in the test split if it stands there.

    Raises: InvalidArchive if there is no such layout or fewer than two labels.
    """
    rows: dict[int, tuple[npt.NDArray[np.uint8], str, int]] = {}
    unreadable: list[str] = []

    def decode_one(
        entry: tuple[str, bytes], to: int
    ) -> tuple[str, bytes, npt.NDArray[np.uint8] | None]:
        try:
            return *entry, decode(entry[1], to, to)
        except BadInput:
            return *entry, None

    entries = _entries(source)
    done = 0
    with ThreadPoolExecutor() as pool:
        while chunk := list(islice(entries, _CHUNK)):
            side = side or choose_side(chunk)
            for name, data, image in pool.map(decode_one, chunk, repeat(side)):
                *tops, folder, _ = PurePosixPath(name).parts
                if image is None:
                    unreadable.append(name)
                    continue
                sha = sha256_of(data)
                split = {"train": TRAIN, "holdout": HOLDOUT}[split_of(sha)]
                if tops and tops[-1].lower() == "test":
                    split = TEST
                if key_of(sha) not in rows or split == TEST:
                    rows[key_of(sha)] = (image, parse_label(folder), split)
            done += len(chunk)
            report(done)
    return _assemble(rows, unreadable, source)


def _assemble(
    rows: dict[int, tuple[npt.NDArray[np.uint8], str, int]], unreadable: list[str], source: Path
) -> Dataset:
    labels = sorted({label for _, label, _ in rows.values()})
    if len(labels) < 2:
        raise InvalidArchive(
            f"{source.name} holds {len(rows)} readable images under {len(labels)} label(s); "
            f"{len(unreadable)} files could not be read.",
            "Lay it out as one folder per label with images in each, two labels or more.",
        )
    index = {label: i for i, label in enumerate(labels)}
    keys = np.array(sorted(rows), np.uint64)
    ordered = [rows[int(k)] for k in keys]
    return Dataset(
        labels,
        np.stack([image for image, _, _ in ordered]),
        np.array([index[label] for _, label, _ in ordered], np.int64),
        keys,
        np.array([split for _, _, split in ordered], np.uint8),
        unreadable,
    )


def _entries(source: Path) -> Iterator[tuple[str, bytes]]:
    """Yield (posix name, bytes) of every file at least one folder deep, hidden ones left out."""

    def wanted(name: str, size: int) -> bool:
        parts = PurePosixPath(name).parts
        hidden = any(p.startswith((".", "__MACOSX")) for p in parts)
        return len(parts) >= 2 and not hidden and 0 < size <= _FILE_LIMIT

    if source.is_dir():
        for path in sorted(source.rglob("*")):
            name = path.relative_to(source).as_posix()
            if path.is_file() and wanted(name, path.stat().st_size):
                yield name, path.read_bytes()
    elif zipfile.is_zipfile(source):
        with zipfile.ZipFile(source) as archive:
            for info in archive.infolist():
                if not info.is_dir() and wanted(info.filename, info.file_size):
                    yield info.filename, archive.read(info)
    elif source.is_file() and tarfile.is_tarfile(source):
        with tarfile.open(source) as tar:
            for member in tar:
                file = tar.extractfile(member) if member.isfile() else None
                if file is not None and wanted(member.name, member.size):
                    yield member.name, file.read()
    else:
        raise InvalidArchive(
            f"{source} is not a folder, zip or tar.", "Name one that holds a folder per label."
        )
