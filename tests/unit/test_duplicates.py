"""Near duplicates: found, told from look-alikes, never on both sides of the split."""

from __future__ import annotations

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ocellus.samples import HOLDOUT, TEST, TRAIN
from training_job.data import Dataset, Duplicate
from training_job.duplicates import kept_apart, near_duplicates

Images = npt.NDArray[np.uint8]


def pictures(count: int, side: int = 32, seed: int = 5) -> Images:
    """Return smooth random pictures, as different from each other as photographs."""
    small = np.random.default_rng(seed).integers(0, 255, (count, 6, 6, 3), dtype=np.uint8)
    return np.stack(
        [
            np.asarray(Image.fromarray(x).resize((side, side), Image.Resampling.BICUBIC))
            for x in small
        ]
    )


def recompressed(image: Images) -> Images:
    buffer = io.BytesIO()
    Image.fromarray(image).save(buffer, "jpeg", quality=60)
    return np.asarray(Image.open(buffer).convert("RGB"))


def brighter(image: Images) -> Images:
    return np.clip(image * 1.1, 0, 255).astype(np.uint8)


def smaller_and_back(image: Images) -> Images:
    side = len(image)
    return np.asarray(Image.fromarray(image).resize((side - 4,) * 2).resize((side, side)))


@pytest.mark.parametrize("change", [recompressed, brighter, smaller_and_back])
@pytest.mark.parametrize("side", [32, 48, 224])
def test_a_changed_copy_is_found_and_nothing_else(change, side: int) -> None:  # type: ignore[no-untyped-def]
    images = pictures(40, side)
    copies = np.stack([change(image) for image in images[:10]])
    found = near_duplicates(np.concatenate([images, copies]))
    np.testing.assert_array_equal(found, [(i, 40 + i) for i in range(10)])


def test_thousands_of_blank_images_are_no_duplicates() -> None:
    blank = np.random.default_rng(1).integers(250, 255, (3000, 32, 32, 3), dtype=np.uint8)
    assert not len(near_duplicates(blank))


def test_thousands_of_copies_are_linked_in_bounded_work() -> None:
    same = np.repeat(pictures(1), 5000, axis=0)
    assert near_duplicates(same).tolist() == [[0, i] for i in range(1, 5000)]


def test_no_images_have_no_duplicates() -> None:
    assert near_duplicates(np.empty((0, 32, 32, 3), np.uint8)).shape == (0, 2)


def test_what_measures_stays_and_the_training_image_goes() -> None:
    images = pictures(5)
    data = Dataset(
        ["a", "b"],
        np.concatenate([images, images[:4]]),
        np.arange(9) % 2,
        np.arange(9, dtype=np.uint64),
        np.array([TRAIN, TEST, TRAIN, TRAIN, TRAIN, HOLDOUT, HOLDOUT, TEST, TRAIN], np.uint8),
        [],
        names={i: f"{i}.png" for i in range(9)},
    )
    kept = kept_apart(data)
    assert kept.keys.tolist() == [1, 3, 4, 5, 7, 8]
    assert [kept.splits.tolist().count(s) for s in (TRAIN, HOLDOUT, TEST)] == [3, 1, 2]
    assert kept.duplicates == (
        Duplicate("0.png", "5.png", exact=False, left_out=True),
        Duplicate("2.png", "7.png", exact=False, left_out=True),
        Duplicate("6.png", "1.png", exact=False, left_out=True),
        Duplicate("8.png", "3.png", exact=False, left_out=False),
    )
    np.testing.assert_array_equal(kept.images[0], images[1])
