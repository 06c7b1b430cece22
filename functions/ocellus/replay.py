"""Replay: a version's memory of its data, as features of its frozen extractor."""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ocellus.errors import InvalidManifest
from ocellus.samples import HOLDOUT, TRAIN

PER_LABEL = 600
"""Training rows kept for each label, those with the smallest keys: a sample at random by hash."""


@dataclass(frozen=True)
class Replay:
    """Rows of the int8 artifact's features with their class, key and split (TRAIN or HOLDOUT).

    features: float16 [n, f]. classes: int64 [n]. keys: uint64 [n]. splits: uint8 [n].
    learned: uint64 [m], keys of every uploaded sample that the version has learned or held out,
    kept or not.
    """

    features: npt.NDArray[np.float16]
    classes: npt.NDArray[np.int64]
    keys: npt.NDArray[np.uint64]
    splits: npt.NDArray[np.uint8]
    learned: npt.NDArray[np.uint64]

    def part(self, split: int) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.int64]]:
        """Return the split's features and classes."""
        chosen = self.splits == split
        return self.features[chosen].astype(np.float32), self.classes[chosen]

    def to_npz(self) -> bytes:
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            features=self.features,
            classes=self.classes.astype(np.int16),
            keys=self.keys,
            splits=self.splits,
            learned=self.learned,
        )
        return buffer.getvalue()

    def without(self, keys: npt.NDArray[np.uint64]) -> Replay:
        """Return the rows that have none of the keys."""
        return self._rows(np.flatnonzero(~np.isin(self.keys, keys)))

    def bounded(self) -> Replay:
        """Return only the rows worth remembering."""
        return self._rows(rows_to_keep(self.classes, self.keys, self.splits))

    def _rows(self, rows: npt.NDArray[np.intp]) -> Replay:
        return Replay(
            self.features[rows],
            self.classes[rows],
            self.keys[rows],
            self.splits[rows],
            self.learned,
        )

    @staticmethod
    def from_npz(data: bytes) -> Replay:
        """Read what `to_npz` wrote. Raises: InvalidManifest."""
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as a:
                classes = a["classes"].astype(np.int64)
                return Replay(a["features"], classes, a["keys"], a["splits"], a["learned"])
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as e:
            raise InvalidManifest(f"replay.npz cannot be read: {e!r}.") from e


def rows_to_keep(
    classes: npt.NDArray[np.int64], keys: npt.NDArray[np.uint64], splits: npt.NDArray[np.uint8]
) -> npt.NDArray[np.intp]:
    """Return the rows worth remembering: the whole holdout, at most PER_LABEL to train a label."""
    keep = splits == HOLDOUT
    for c in np.unique(classes):
        rows = np.flatnonzero((classes == c) & (splits == TRAIN))
        keep[rows[np.argsort(keys[rows])][:PER_LABEL]] = True
    return np.flatnonzero(keep)
