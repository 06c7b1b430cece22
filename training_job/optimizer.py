"""The optimizer: Muon for the convolutions' kernels, Nesterov's SGD for all else."""

from __future__ import annotations

from typing import Any

import keras
from keras import ops

from training_job.recipe import Recipe

_ITERATIONS = 3
_A, _B, _C = 3.4445, -4.7750, 2.0315


class Muon(keras.optimizers.Optimizer):  # type: ignore[misc]
    """Turns each kernel [h, w, in, out] by its orthogonalised momentum and keeps its norm.

    Keras's own Muon takes matrices alone and would give kernels to AdamW.
    Source: Keller Jordan et al., "Muon: An optimizer for hidden layers", 2024; norm and rates:
    airbench94_muon. Expects the gradient of the sum of a batch's losses.
    """

    def __init__(self, recipe: Recipe, steps: int, batch: int, head: keras.layers.Dense) -> None:
        """The rates fall linearly to zero over `steps`, then are the recipe's steady one."""
        super().__init__(learning_rate=_FallThenSteady(steps, recipe.averaged_rate))
        self._recipe = recipe
        self._decay = recipe.weight_decay * batch
        self._head_rate = recipe.head_rate * (HEAD_SCALE / head.kernel.shape[0]) ** 2
        self._head = {head.kernel.path, head.bias.path}
        self._rates: list[float] = []

    def build(self, variables: list[Any]) -> None:
        if not self.built:
            super().build(variables)
            self._momenta = [
                self.add_variable_from_reference(variable, name="momentum")
                for variable in variables
            ]
            self._rates = [
                self._head_rate if variable.path in self._head else self._recipe.bias_rate
                for variable in variables
            ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """`learning_rate` is the share of the peak rates, 1 to 0."""
        share = ops.cast(learning_rate, variable.dtype)
        index = self._get_variable_index(variable)
        momentum = self._momenta[index]
        recipe = self._recipe
        if len(variable.shape) == 4:
            m = recipe.kernel_momentum
            self.assign(momentum, m * momentum + gradient)
            turn = _orthogonal(gradient + m * momentum)
            norm = ops.cast(variable.shape[-1], variable.dtype) ** 0.5 / _norm(variable)
            self.assign(variable, variable * norm - share * recipe.kernel_rate * turn)
        else:
            rate = self._rates[index]
            gradient = gradient + self._decay / rate * variable
            self.assign(momentum, recipe.momentum * momentum + gradient)
            self.assign_sub(variable, share * rate * (gradient + recipe.momentum * momentum))


class _FallThenSteady(keras.optimizers.schedules.LearningRateSchedule):  # type: ignore[misc]
    def __init__(self, steps: int, steady: float) -> None:
        self._steps, self._steady = steps, steady

    def __call__(self, step: Any) -> Any:
        done = ops.cast(step, "float32")
        return ops.where(done < self._steps, 1 - done / max(self._steps, 1), self._steady)


HEAD_SCALE = 8
"""`features` are an eighth of the last map's maxima."""


def _norm(x: Any) -> Any:
    return ops.norm(ops.reshape(x, (-1,)))


def _orthogonal(gradient: Any) -> Any:
    """Return the nearest semi-orthogonal matrix of a kernel [h, w, in, out], roughly, by
    Newton-Schulz iterations of the fifth degree.
    """
    *_, out = gradient.shape
    x = ops.reshape(gradient, (-1, out))
    if tall := x.shape[0] > out:
        x = ops.transpose(x)
    x = x / (_norm(x) + 1e-7)
    for _ in range(_ITERATIONS):
        square = ops.matmul(x, ops.transpose(x))
        x = _A * x + ops.matmul(_B * square + _C * ops.matmul(square, square), x)
    stretch = 1.0 if tall else (out / x.shape[0]) ** 0.5
    return ops.reshape(ops.transpose(x) if tall else x, gradient.shape) * stretch
