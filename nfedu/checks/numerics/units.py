"""What a unit is: for a column of points, and for the entries of a parameter."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array


def size_of(value: Array) -> Array:
    """Return each entry's size, that of the whole parameter where the entry is 0, and 1 where that is 0 too."""
    typical = np.sqrt(np.mean(value**2)) if value.size else 0.0
    return np.where(value == 0, typical or 1.0, abs(value))


def spread(y: Array) -> Array:
    """Return what a unit is in each column of (N, n): its standard deviation, its size where that says nothing."""
    size = abs(y).max(axis=0)
    deviation = y.std(axis=0)
    return np.where(deviation > 1e-9 * size, deviation, np.where(size > 0, size, 1.0))
