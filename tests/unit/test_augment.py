"""Augmentation: what changes, what does not, and that it is the same again."""

from __future__ import annotations

import numpy as np

from training_job.augment import augmented_batches

IMAGES = np.random.default_rng(6).integers(0, 100, (10, 32, 32, 3), dtype=np.uint8)
CLASSES = np.arange(10)


def epoch(number: int, **changes: int) -> tuple[np.ndarray, np.ndarray]:
    options = {"batch": 10, "shift": 0, "cutout": 0, "seed": 1} | changes
    ((images, classes),) = augmented_batches(IMAGES, CLASSES, epoch=number, **options)
    order = np.argsort(classes)
    return images[order], classes[order]


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    np.testing.assert_array_equal(epoch(3, shift=2, cutout=8)[0], epoch(3, shift=2, cutout=8)[0])


def test_every_image_is_shown_flipped_in_every_other_epoch() -> None:
    first, second = epoch(0)[0], epoch(1)[0]
    np.testing.assert_array_equal(first, second[:, :, ::-1])
    flipped = [(a == b).all() for a, b in zip(first, IMAGES[:, :, ::-1], strict=True)]
    assert 0 < sum(flipped) < 10


def test_a_shift_moves_the_middle_by_no_more_than_asked() -> None:
    shifted = epoch(0, shift=2)[0]
    plain = epoch(0)[0]
    for image, original in zip(shifted, plain, strict=True):
        places = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if (np.roll(original, (dy, dx), (0, 1))[4:-4, 4:-4] == image[4:-4, 4:-4]).all()
        ]
        assert len(places) == 1


def test_cutout_greys_one_square() -> None:
    images = epoch(0, cutout=8)[0]
    assert ((images == 127).all(axis=-1).sum(axis=(1, 2)) == 64).all()


def test_the_last_partial_batch_is_left_out_unless_it_is_the_only_one() -> None:
    def sizes(batch: int) -> list[int]:
        batches = augmented_batches(
            IMAGES, CLASSES, batch=batch, epoch=0, shift=0, cutout=0, seed=1
        )
        return [len(classes) for _, classes in batches]

    assert sizes(4) == [4, 4]
    assert sizes(10) == [10]
    assert sizes(64) == [10]
