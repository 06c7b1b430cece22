"""Near duplicates: pairs of images that show the same picture, kept on one side of the split."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt
from scipy.fft import dctn
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from training_job.data import Dataset, Duplicate

ALIKE = 0.9
"""Least correlation of two near duplicates. Of CIFAR-10's pairs above it, 99.9 % bear the same
label and those looked at were all the same picture; from 0.8 to 0.85 many are other pictures."""
SHOWN = 12
"""Pairs kept as pictures."""
_GREY_SIDE = 16
_FAR = 10
"""Most bits in which the hashes of near duplicates differ, of 64."""
_BANDS = ((0, 11), (11, 11), (22, 11), (33, 11), (44, 10), (54, 10))
"""First bit and width of the parts of the hash; near duplicates have at least one in common."""
_FLAT = 4.0
"""An image whose grey levels have less than this standard deviation shows nothing to compare."""
_MOST_AT_ONCE = 1024
_AT_ONCE = 4096


def kept_apart(data: Dataset) -> Dataset:
    """Return the data set without the images that a near duplicate on another side gives away.

    Of a group of near duplicates that spans the split its test images stay, else its held-out
    ones, so that what measures a network is not what it was trained on. Groups on one side stay.
    """
    pairs = near_duplicates(data.images)
    n = len(data.keys)
    links = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (n, n))
    _, groups = connected_components(links, directed=False)
    stays = np.zeros(n, np.uint8)
    np.maximum.at(stays, groups, data.splits)  # TRAIN < HOLDOUT < TEST
    leaves = data.splits < stays[groups]
    # The first of a group's images on the side that stays stands for it.
    order = np.lexsort((np.arange(n), leaves, groups))
    stands = order[np.searchsorted(groups[order], groups)]
    twins = np.flatnonzero(stands != np.arange(n))
    shown = twins[np.linspace(0, len(twins) - 1, min(len(twins), SHOWN)).astype(int)]
    names = [data.name_of(key) for key in data.keys.tolist()]
    duplicates = tuple(
        Duplicate(names[i], names[stands[i]], exact=False, left_out=bool(leaves[i])) for i in twins
    )
    return replace(
        data,
        images=data.images[~leaves],
        classes=data.classes[~leaves],
        keys=data.keys[~leaves],
        splits=data.splits[~leaves],
        duplicates=(*data.duplicates, *duplicates),
        twice=np.stack([data.images[shown], data.images[stands[shown]]], axis=1),
    )


def near_duplicates(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Return pairs [p, 2] of rows of images [n, side, side, 3] that show the same picture, the
    smaller row first; of many alike, enough pairs to link them. `side` is a multiple of 16.

    Two images are compared if their perceptual hashes, the signs of low frequencies, differ in few
    bits; they are alike if their small grey pictures correlate.
    Source of the hash: pHash, github.com/JohannesBuchner/imagehash.
    """
    greys = np.concatenate(
        [_greys(images[i : i + _AT_ONCE]) for i in range(0, len(images), _AT_ONCE)]
        or [np.empty((0, _GREY_SIDE, _GREY_SIDE), np.float32)]
    )
    flat = greys.reshape(len(greys), _GREY_SIDE**2)
    flat = flat - flat.mean(axis=1, keepdims=True)
    spread = flat.std(axis=1)
    rows = np.flatnonzero(spread >= _FLAT)
    pairs = rows[_close(_hashes(greys[rows]))]
    unit = flat / (spread[:, None] + 1e-6)
    correlation = [
        (unit[part[:, 0]] * unit[part[:, 1]]).mean(axis=1)
        for part in np.split(pairs, range(_AT_ONCE, len(pairs), _AT_ONCE))
    ]
    return pairs[np.concatenate(correlation) >= ALIKE]


def _greys(images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    n, side, *_ = images.shape
    block = side // _GREY_SIDE
    grey = images @ np.array([0.299, 0.587, 0.114], np.float32)
    small = grey.reshape(n, _GREY_SIDE, block, _GREY_SIDE, block).mean(axis=(2, 4))
    return np.asarray(small, np.float32)


def _hashes(greys: npt.NDArray[np.float32]) -> npt.NDArray[np.uint64]:
    """Return a bit for each of the 64 lowest frequencies but the mean: is it above the median?"""
    low = dctn(greys, axes=(1, 2), norm="ortho")[:, :9, :9].reshape(len(greys), 81)[:, 1:65]
    bits = low > np.median(low, axis=1, keepdims=True)
    return np.ascontiguousarray(np.packbits(bits, axis=1)).view(np.uint64).ravel()


def _close(hashes: npt.NDArray[np.uint64]) -> npt.NDArray[np.int64]:
    """Return the pairs [p, 2] of hashes that differ in few bits and share a band; of equal hashes
    the first stands for all.
    """
    own, first, copy_of = np.unique(hashes, return_index=True, return_inverse=True)
    copies = np.stack([first[copy_of], np.arange(len(hashes))], axis=1)
    found = [copies[copies[:, 0] != copies[:, 1]]]
    for start, width in _BANDS:
        band = (own >> np.uint64(start)) & np.uint64((1 << width) - 1)
        by_band = np.argsort(band, kind="stable")
        for bucket in np.split(by_band, np.flatnonzero(np.diff(band[by_band])) + 1):
            # A crowded band is compared in parts, neighbours in the order of the hashes together.
            for part in np.split(bucket, range(_MOST_AT_ONCE, len(bucket), _MOST_AT_ONCE)):
                apart = np.bitwise_count(own[part][:, None] ^ own[part][None])
                i, j = np.nonzero(np.triu(apart <= _FAR, 1))
                found.append(np.stack([first[part[i]], first[part[j]]], axis=1))
    return np.unique(np.sort(np.concatenate(found), axis=1), axis=0)
