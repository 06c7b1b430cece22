"""The recipe suits the number of images, and what was asked."""

from __future__ import annotations

import pytest

from training_job.recipe import SMALL, Recipe, recipe_for


def test_many_images_get_the_defaults() -> None:
    assert recipe_for(SMALL, {}) == Recipe()


def test_few_images_get_more_augmentation_and_more_epochs_the_fewer_they_are() -> None:
    few, more = recipe_for(300, {}), recipe_for(3_000, {})
    assert few.scale < 1
    assert few.mixup > 0
    assert few.patience > 0
    assert few.epochs > more.epochs


@pytest.mark.parametrize("images", [300, SMALL])
def test_a_training_ends_with_averaged_epochs(images: int) -> None:
    recipe = recipe_for(images, {})
    assert 0 < recipe.averaged < recipe.epochs


@pytest.mark.parametrize("images", [300, SMALL])
def test_a_network_that_has_learned_is_trained_at_steady_rates_alone(images: int) -> None:
    for options in ({}, {"epochs": 9}):
        recipe = recipe_for(images, options, gentle=True)
        assert recipe.averaged == recipe.epochs
        assert recipe.epochs == options.get("epochs", 5)
        assert recipe.patience == 0


def test_options_set_epochs_and_seed() -> None:
    recipe = recipe_for(SMALL, {"epochs": 10, "seed": 7})
    assert (recipe.epochs, recipe.averaged, recipe.seed) == (10, 2, 7)
