"""Regions in which faults hide: latents of all sizes, one coordinate elsewhere, far out."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array

ROWS = 40  # points of the wider regions, and the largest batch
FAR = (8.0, 30.0)


def regions(z: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return batches of latents where faults like to hide, around the base latents `z` (M, n)."""
    n = z.shape[1]
    sign = rng.choice([-1.0, 1.0], (ROWS, n))
    one = z[rng.integers(len(z), size=ROWS)].copy()  # one coordinate somewhere else, the others where they were
    one[np.arange(ROWS), rng.integers(n, size=ROWS)] = rng.uniform(-4.5, 4.5, ROWS)
    tails = z[rng.integers(len(z), size=8)].copy()
    tails[np.arange(8), np.arange(8) % n] = np.repeat(FAR, 4) * np.tile([1.0, -1.0], 4)
    return {
        "of all sizes": sign * 10 ** rng.uniform(-3, 0.8, (ROWS, n)),
        "one coordinate in [−4.5, 4.5]": one,
        "far out, at ±8 and ±30": np.concatenate([tails, rng.choice(FAR, (4, n)) * sign[:4]]),
    }
