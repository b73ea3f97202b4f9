"""The rows that a step sees: each epoch all of them once, in another order."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np

from nfedu.arrays import Array

Transform = Callable[[Array, np.random.Generator], Array]


class Rows:
    """Batches of about `batch_size` of the rows of `x`, which `transform` makes anew."""

    def __init__(self, x: Array, batch_size: int, transform: Transform | None) -> None:
        self.x, self.transform = x, transform
        self.batches = -(-len(x) // batch_size)

    def epoch(self, rng: np.random.Generator) -> Iterator[tuple[Array]]:
        """Yield what a flow's `nll` is asked for, batch after batch."""
        for rows in np.array_split(rng.permutation(len(self.x)), self.batches):
            yield (self.made(self.x[rows], rng),)

    def made(self, batch: Array, rng: np.random.Generator) -> Array:
        """Return the batch as the flow sees it."""
        return batch if self.transform is None else self.transform(batch, rng)


def at_least_two(x: Array, letter: str) -> Array:
    """Return x, or raise ValueError when it has a single row: the likelihood of one point has no maximum."""
    if len(x) < 2:
        raise ValueError(f"{letter} has {len(x)} row, expected at least 2 points to learn a density from")
    return x
