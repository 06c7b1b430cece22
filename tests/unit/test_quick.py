"""Training the head on made-up features."""

from __future__ import annotations

import numpy as np

from training_job.quick import train_head

RNG = np.random.default_rng(2)
CENTRES = RNG.normal(0, 1, (4, 16))


def rows(label: int, count: int) -> np.ndarray:
    return CENTRES[label] + RNG.normal(0, 0.3, (count, 16))


def accuracy(kernel: np.ndarray, bias: np.ndarray, x: np.ndarray, label: int) -> float:
    return float(((x @ kernel + bias).argmax(axis=1) == label).mean())


def test_a_new_label_is_learned_from_few_samples_and_the_old_are_kept() -> None:
    old = np.concatenate([rows(i, 500) for i in range(3)])
    classes = np.repeat([0, 1, 2], 500)
    kernel, bias, _ = train_head(np.zeros((16, 3)), np.zeros(3), old, classes, np.zeros(1500, bool))
    grown = np.pad(kernel, ((0, 0), (0, 1))), np.append(bias, bias.min())
    kernel, bias, loss = train_head(
        *grown,
        np.concatenate([old, rows(3, 20)]),
        np.append(classes, [3] * 20),
        np.arange(1520) >= 1500,
    )
    assert kernel.shape == (16, 4)
    assert loss > 0
    for label in range(4):
        assert accuracy(kernel, bias, rows(label, 200), label) > 0.95


def test_the_same_data_give_the_same_head() -> None:
    x, y = np.concatenate([rows(0, 50), rows(1, 50)]), np.repeat([0, 1], 50)
    new = np.arange(100) % 2 == 0
    first = train_head(np.zeros((16, 2)), np.zeros(2), x, y, new)
    second = train_head(np.zeros((16, 2)), np.zeros(2), x, y, new)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
