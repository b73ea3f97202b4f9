"""The rows that a step sees: each epoch all of them once, in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch

Transform = Callable[[Array, np.random.Generator], Array]


class Rows:
    """Batches of about `batch_size` rows of `x`, which `transform` makes anew, with their weights if they have any.

    Weights have mean 1 over all rows: then a batch's Σ w (−log p) / N is right in the mean over the batches.
    """

    def __init__(self, x: Array, weights: Array | None, batch_size: int, transform: Transform | None) -> None:
        self.x, self.weights, self.transform = x, weights, transform
        self.batches = -(-len(x) // batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[Array, ...]]:
        """Yield what a flow's `nll` is asked for, batch after batch."""
        for rows in np.array_split(rng.permutation(len(self.x)), self.batches):
            batch = self.made(self.x[rows], rng)
            yield (batch,) if self.weights is None else (batch, self.weights[rows])

    def made(self, batch: Array, rng: np.random.Generator) -> Array:
        """Return the batch as the flow sees it."""
        return batch if self.transform is None else self.transform(batch, rng)


def as_weights(weights: Any, rows: int, owner: str) -> Array | None:
    """Return one weight ≥ 0 for each row, scaled to mean 1, or None for None; ValueError otherwise."""
    if weights is None:
        return None
    given = as_batch(np.asanyarray(weights)[:, None] if np.ndim(weights) == 1 else weights, 1, owner, "weights")[:, 0]
    if len(given) != rows or given.dtype.kind == "c" or (given < 0).any() or not given.any():
        raise ValueError(
            f"{owner}: weights of {len(given)} rows, expected {rows} numbers ≥ 0, one a row, not all of them 0"
        )
    return given / given.mean()


def at_least_two(x: Array, letter: str) -> Array:
    """Return x, or raise ValueError when it has a single row: the likelihood of one point has no maximum."""
    if len(x) < 2:
        raise ValueError(f"{letter} has {len(x)} row, expected at least 2 points to learn a density from")
    return x
