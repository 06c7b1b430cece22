"""Data sets: images in a folder, zip or tar, labelled by their folder or a CSV, as arrays."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice, repeat
from pathlib import Path, PurePosixPath

import numpy as np
import numpy.typing as npt
from PIL import Image

from ocellus.errors import BadInput, InvalidArchive
from ocellus.images import decode
from ocellus.labels import MAX_CLASSES, parse_label
from ocellus.samples import HOLDOUT, TEST, TRAIN, sha256_of, split_of
from training_job.csv_manifest import Line, is_manifest, may_be_manifest, read_manifest
from training_job.sources import files

_CHUNK = 512
SIDES = (32, 48, 64, 96, 128, 160, 192, 224)
"""The input sides that a network may have."""
_MOST_BY_ITSELF = 96
_SHOWN = 5

Report = Callable[[int], None]


@dataclass(frozen=True)
class Duplicate:
    """Two images of a data set, by name, that show the same picture.

    `exact`: their files have the same bytes, and the first is left out. `left_out`: the first was
    taken out of the data set, or else the network would be measured on a picture that it was
    trained on.
    """

    image: str
    of: str
    exact: bool
    left_out: bool


@dataclass(frozen=True)
class Dataset:
    """Decoded images with their labels and splits.

    images: uint8 [n, side, side, 3], RGB. classes: int64 [n], indices into `labels`.
    keys: uint64 [n], the first 64 bits of each file's sha256. splits: uint8 [n], TRAIN, HOLDOUT
    or TEST. TEST images are those under a top folder `test`; the rest are split by their hash. A
    CSV may say otherwise.
    twice: uint8 [p, 2, side, side, 3], some pairs of near duplicates to show. names: by key.
    """

    labels: list[str]
    images: npt.NDArray[np.uint8]
    classes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    splits: npt.NDArray[np.uint8]
    unreadable: list[str]
    duplicates: tuple[Duplicate, ...] = ()
    twice: npt.NDArray[np.uint8] | tuple[()] = ()
    names: Mapping[int, str] = field(default_factory=dict)

    def name_of(self, key: int) -> str:
        """Return the name of an image's file; of an upload, how its sha256 begins."""
        return self.names.get(key, f"{key:016x}")

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


def choose_side(entries: Sequence[tuple[str, bytes | None]]) -> int:
    """Return the input side that suits the images: what half of them have at least in both
    directions, at most 96, since the cost of training grows with its square.
    """
    sides = []
    for _, data in entries:
        try:
            with Image.open(io.BytesIO(data or b"")) as image:
                sides.append(min(image.size))
        except (OSError, ValueError, Image.DecompressionBombError):
            continue
    most = min(float(np.median(sides)) if sides else 0.0, _MOST_BY_ITSELF)
    return max([side for side in SIDES if side <= most], default=SIDES[0])


def read_dataset(source: Path, side: int | None = None, report: Report = lambda n: None) -> Dataset:
    """Read and decode every image of a folder, zip or tar, to `side` pixels or to what suits the
    first images.

    A CSV at the root that begins with path,label lists the images; without one they are laid out
    `[train|test/]label/image`. Files that cannot be decoded or are not there are listed, not fatal.
    An image that stands several times is kept once, in the test split if it stands there.

    Raises: InvalidArchive if there is no such layout, fewer than two labels or too many.
    """
    listed = _listed(source)
    missing = dict(listed)
    rows: dict[int, _Row] = {}
    unreadable: list[str] = []
    duplicates: list[Duplicate] = []
    entries = files(source, listed.__contains__ if listed else _in_a_folder)
    done = 0
    with ThreadPoolExecutor() as pool:
        while chunk := list(islice(entries, _CHUNK)):
            side = side or choose_side(chunk)
            for (name, data), image in zip(
                chunk, pool.map(_decoded, chunk, repeat(side)), strict=True
            ):
                line = listed[name] if listed else _placed(name)
                missing.pop(name, None)
                if data is None or image is None:
                    unreadable.append(name)
                    continue
                sha = sha256_of(data)
                key, split = key_of(sha), line.split
                if split is None:
                    split = TRAIN if split_of(sha) == "train" else HOLDOUT
                row = _Row(name, image, line.label, split)
                if kept := rows.get(key):
                    row, left = (row, kept) if split == TEST != kept.split else (kept, row)
                    duplicates.append(Duplicate(left.name, row.name, exact=True, left_out=True))
                rows[key] = row
            done += len(chunk)
            report(done)
    return _assemble(rows, [*unreadable, *missing], duplicates, source)


@dataclass(frozen=True)
class _Row:
    name: str
    image: npt.NDArray[np.uint8]
    label: str
    split: int


def _listed(source: Path) -> dict[str, Line]:
    """Return the lines of the data set's manifest by path; none if it has no manifest."""
    found = {
        name: data
        for name, data in files(source, may_be_manifest)
        if data is not None and is_manifest(data)
    }
    if len(found) > 1:
        raise InvalidArchive(
            f"{source.name} holds {len(found)} lists of images: {', '.join(found)}.", "Leave one."
        )
    return {line.path: line for name in found for line in read_manifest(found[name], name)}


def _in_a_folder(name: str) -> bool:
    return "/" in name


def _placed(name: str) -> Line:
    """Return what a file's folders say of it."""
    *tops, folder, _ = PurePosixPath(name).parts
    in_test = bool(tops) and tops[-1].lower() == "test"
    return Line(name, parse_label(folder), TEST if in_test else None)


def _decoded(entry: tuple[str, bytes | None], side: int) -> npt.NDArray[np.uint8] | None:
    try:
        return decode(entry[1], side, side) if entry[1] else None
    except BadInput:
        return None


def _assemble(
    rows: dict[int, _Row], unreadable: list[str], duplicates: list[Duplicate], source: Path
) -> Dataset:
    labels = sorted({row.label for row in rows.values()})
    if not 2 <= len(labels) <= MAX_CLASSES:
        faulty = f" ({', '.join(unreadable[:_SHOWN])} …)" if unreadable else ""
        raise InvalidArchive(
            f"{source.name} holds {len(rows)} readable images under {len(labels)} label(s); "
            f"{len(unreadable)} files could not be read{faulty}.",
            f"Bring 2 to {MAX_CLASSES:,} labels, laid out as one folder per label with images in "
            "each, or listed in a CSV that begins with path,label.",
        )
    index = {label: i for i, label in enumerate(labels)}
    keys = np.array(sorted(rows), np.uint64)
    ordered = [rows[int(k)] for k in keys]
    return Dataset(
        labels,
        np.stack([row.image for row in ordered]),
        np.array([index[row.label] for row in ordered], np.int64),
        keys,
        np.array([row.split for row in ordered], np.uint8),
        unreadable,
        tuple(duplicates),
        names={int(k): row.name for k, row in zip(keys, ordered, strict=True)},
    )
