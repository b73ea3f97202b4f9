"""Maximum likelihood on the packaged digits, as the lessons do it: one recipe, chosen on the validation images."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from nfedu.arrays import Array
from nfedu.datasets.digits import Digits, bits_per_pixel, dequantise, digits, shifted
from nfedu.flow import Flow
from nfedu.training.checkpoint import History
from nfedu.training.fit import fit
from nfedu.training.optimizers import Adam

SPLITS = ("train", "validation", "test")


class DigitsRun(NamedTuple):
    """How a training on the digits went: losses by epoch, then bits per pixel (mean, standard error) of each split."""

    history: History
    train: tuple[float, float]
    validation: tuple[float, float]
    test: tuple[float, float]

    def __str__(self) -> str:
        bits = ", ".join(f"{part} {getattr(self, part)[0]:.3f} ± {getattr(self, part)[1]:.3f}" for part in SPLITS)
        return f"{self.history.steps} steps in {self.history.seconds:.1f} s; bits per pixel: {bits}"


def fit_digits(
    flow: Flow,
    *,
    rng: np.random.Generator,
    epochs: int,
    learning_rate: float = 4e-3,
    weight_decay: float = 0.7,
    share: float = 0.3,
    patience: int = 100,
    **options: Any,
) -> DigitsRun:
    """Train a flow of n = 64, whose data lie in [0, 1], on the digits; then measure it on all three splits.

    Against memorising 1257 images: noise and shifts by a pixel (of a `share` of the images) drawn anew for each batch,
    weight decay, a running mean of θ, a learning rate that falls to zero, and the θ that is best on the validation
    images, with five draws of noise. `options` go to `fit`. The test images enter into the last measurement only.
    """
    split: Digits = digits()
    validation = np.concatenate([dequantise(split.validation.images, rng) for _ in range(5)])

    def fresh(counts: Array, rng: np.random.Generator) -> Array:
        return dequantise(shifted(counts, rng, share), rng)

    chosen: dict[str, Any] = {"optimizer": Adam(learning_rate), "weight_decay": weight_decay, "patience": patience}
    chosen |= {"validation": validation, "transform": fresh, "average": 0.99, "anneal": True, **options}
    history = fit(flow, split.train.images, rng=rng, epochs=epochs, **chosen)
    return DigitsRun(history, *(bits_per_pixel(flow, part.images, np.random.default_rng(0)) for part in split))
