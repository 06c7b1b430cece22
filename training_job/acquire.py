"""Acquiring a data set: from a path or the official CIFAR-10 archive into Blobs, once."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import numpy as np

from ocellus.errors import InvalidArchive, NotFound, StoreUnavailable
from ocellus.ports import Blobs
from ocellus.samples import HOLDOUT, TEST, TRAIN, sha256_of, split_of
from training_job.csv_manifest import read_manifest
from training_job.data import Dataset, Report, key_of, read_dataset
from training_job.download import download

CIFAR10_URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
CIFAR10_SHA256 = "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"
CIFAR10_BLOB = "datasets/cifar10/cifar-10-binary.tar.gz"
_CIFAR10_LABELS = [
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
]


def acquire(blobs: Blobs, source: str, cache: Path) -> str:
    """Put the data set into Blobs, unless it is there, and return its blob's name.

    `source` is `cifar10` (downloaded, checksummed, an interrupted download goes on) or a path.
    Raises: InvalidArchive, StoreUnavailable.
    """
    if source == "cifar10":
        if not blobs.exists(CIFAR10_BLOB):
            archive = cache / CIFAR10_BLOB.rpartition("/")[2]
            download(CIFAR10_URL, CIFAR10_SHA256, archive, lambda x: print(f"CIFAR-10: {x}"))
            blobs.put(CIFAR10_BLOB, archive.read_bytes(), overwrite=True)
            archive.unlink()
        return CIFAR10_BLOB
    path = Path(source)
    if not path.exists():
        raise InvalidArchive(
            f"There is no data set {source!r}.", "Name `cifar10`, a folder, zip, tar or CSV."
        )
    packed = path.is_dir() or path.suffix.lower() == ".csv"
    data = _zipped(path) if packed else path.read_bytes()
    name = f"{path.name}.zip" if packed else path.name
    blob = f"datasets/{sha256_of(data)[:12]}/{name}"
    if not blobs.exists(blob):
        blobs.put(blob, data, overwrite=True)
    return blob


def read_blob(blobs: Blobs, blob: str, side: int | None, work: Path, report: Report) -> Dataset:
    """Read a data set that `acquire` stored, to `side` pixels or what suits it.

    Raises: NotFound, InvalidArchive.
    """
    work.mkdir(parents=True, exist_ok=True)
    path = work / blob.rpartition("/")[2]
    path.write_bytes(blobs.get(blob))
    try:
        return read_cifar10(path) if blob == CIFAR10_BLOB else read_dataset(path, side, report)
    finally:
        path.unlink()


def find_again(blobs: Blobs, blob: str, cache: Path) -> str:
    """Return a blob with the data that a version was trained on: the same one, or for CIFAR-10
    the official archive in its stead. Raises: NotFound.
    """
    if blobs.exists(blob):
        return blob
    remedy = "Train with --dataset to bring the data, or retrain quickly instead."
    if not blob.rpartition("/")[2].startswith("cifar"):
        raise NotFound(f"The data set {blob} is not in the store.", remedy)
    try:
        return acquire(blobs, "cifar10", cache)
    except StoreUnavailable as e:
        raise NotFound(f"The data set {blob} is not in the store and {e.detail}", remedy) from e


def read_cifar10(path: Path) -> Dataset:
    """Read the official binary archive: 10,000 records a file, a label byte and three planes."""
    images, classes, splits, keys = [], [], [], []
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if not name.endswith(".bin") or (file := archive.extractfile(member)) is None:
                continue
            records = np.frombuffer(file.read(), np.uint8).reshape(-1, 3073)
            pixels = records[:, 1:].reshape(-1, 3, 32, 32).transpose(0, 2, 3, 1)
            for image in np.ascontiguousarray(pixels):
                sha = sha256_of(image.tobytes())
                own = TRAIN if split_of(sha) == "train" else HOLDOUT
                splits.append(TEST if name.startswith("test") else own)
                keys.append(key_of(sha))
            images.append(pixels)
            classes.append(records[:, 0])
    return Dataset(
        _CIFAR10_LABELS,
        np.concatenate(images),
        np.concatenate(classes).astype(np.int64),
        np.array(keys, np.uint64),
        np.array(splits, np.uint8),
        [],
    )


def _zipped(path: Path) -> bytes:
    """Return a folder, or a CSV with those of the files it lists that exist, as a zip."""
    if path.is_dir():
        root, paths = path, sorted(p for p in path.rglob("*") if p.is_file())
    else:
        root, listed = path.parent, read_manifest(path.read_bytes(), path.name)
        paths = [path, *(p for line in listed if (p := root / line.path).is_file())]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for file in paths:
            # A fixed date, so that the same files make the same bytes.
            info = zipfile.ZipInfo(file.relative_to(root).as_posix(), (1980, 1, 1, 0, 0, 0))
            archive.writestr(info, file.read_bytes())
    return buffer.getvalue()
