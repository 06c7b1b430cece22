"""Augmentation: what changes, what does not, and that it is the same again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from training_job.augment import Batch, epoch_batches
from training_job.recipe import Recipe

IMAGES = np.random.default_rng(6).integers(0, 100, (10, 32, 32, 3), dtype=np.uint8)
CLASSES = np.arange(10)
PLAIN = Recipe(shift=0, cutout=0)


def batches(recipe: Recipe, number: int = 0, *, batch: int = 10, first: int = 0) -> list[Batch]:
    weights = np.linspace(0.5, 1.5, 10, dtype=np.float32)
    return list(
        epoch_batches(IMAGES, CLASSES, weights, recipe, batch=batch, epoch=number, first=first)
    )


def epoch(number: int, **changes: float) -> np.ndarray:
    """Return an epoch's images in the order of their classes."""
    (made,) = batches(replace(PLAIN, **changes), number)
    return made.images[np.argsort(made.targets.argmax(axis=1))]


def test_the_same_seed_and_epoch_give_the_same_batches() -> None:
    recipe = Recipe(scale=0.6, colour=0.3, mixup=0.2)
    for one, other in zip(batches(recipe, 3), batches(recipe, 3), strict=True):
        np.testing.assert_array_equal(one.images, other.images)
        np.testing.assert_array_equal(one.targets, other.targets)
    assert (batches(recipe, 3)[0].images != batches(recipe, 4)[0].images).any()


def test_an_epoch_taken_up_midway_goes_on_as_it_would_have() -> None:
    recipe = Recipe(scale=0.6, mixup=0.2)
    whole, rest = batches(recipe, batch=3), batches(recipe, batch=3, first=1)
    assert (len(whole), len(rest)) == (3, 2)
    for one, other in zip(whole[1:], rest, strict=True):
        np.testing.assert_array_equal(one.images, other.images)


def test_every_image_is_shown_flipped_in_every_other_epoch() -> None:
    first, second = epoch(0), epoch(1)
    np.testing.assert_array_equal(first, second[:, :, ::-1])
    flipped = [(a == b).all() for a, b in zip(first, IMAGES[:, :, ::-1], strict=True)]
    assert 0 < sum(flipped) < 10


def test_a_shift_moves_the_middle_by_no_more_than_asked() -> None:
    for image, original in zip(epoch(0, shift=2), epoch(0), strict=True):
        places = [
            (dy, dx)
            for dy in range(-2, 3)
            for dx in range(-2, 3)
            if (np.roll(original, (dy, dx), (0, 1))[4:-4, 4:-4] == image[4:-4, 4:-4]).all()
        ]
        assert len(places) == 1


def test_a_crop_shows_a_part_larger() -> None:
    ramp = np.broadcast_to(np.arange(0, 64, 2, dtype=np.uint8)[None, :, None], (32, 32, 3))
    (made,) = epoch_batches(
        np.stack([ramp] * 4), np.arange(4), np.ones(4, np.float32), replace(PLAIN, scale=0.5),
        batch=4, epoch=0,
    )  # fmt: skip
    spans = np.ptp(made.images[:, 0, :, 0].astype(int), axis=1)
    assert (spans >= 30).all()
    assert (spans < 62).all()


def test_colours_change_by_no_more_than_asked() -> None:
    grey = np.full((4, 8, 8, 3), 100, np.uint8)
    (made,) = epoch_batches(
        grey, np.arange(4), np.ones(4, np.float32), replace(PLAIN, colour=0.2), batch=4, epoch=0
    )
    means = made.images.mean(axis=(1, 2, 3))
    assert len(set(means.tolist())) > 1
    assert ((means >= 79) & (means <= 120)).all()


def test_cutout_greys_one_square() -> None:
    images = epoch(0, cutout=0.25)
    assert ((images == 127).all(axis=-1).sum(axis=(1, 2)) == 64).all()


def test_mixed_images_have_the_targets_and_weights_of_both() -> None:
    (made,) = batches(replace(PLAIN, mixup=1.0))
    np.testing.assert_allclose(made.targets.sum(axis=1), 1, atol=1e-6)
    assert ((made.targets > 0).sum(axis=1) == 2).any()
    own = made.targets @ np.linspace(0.5, 1.5, 10)
    np.testing.assert_allclose(made.weights, own, atol=1e-5)


def test_the_last_partial_batch_is_left_out_unless_it_is_the_only_one() -> None:
    def sizes(batch: int) -> list[int]:
        return [len(made.images) for made in batches(PLAIN, batch=batch)]

    assert sizes(4) == [4, 4]
    assert sizes(10) == [10]
    assert sizes(64) == [10]
