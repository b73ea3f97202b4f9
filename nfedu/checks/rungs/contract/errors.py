"""How far results of two calls are apart. Rung 1 reports it relative to what rounding may do, times `EXACT`."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.rounding import EXACT


def repeated(values: Array) -> Array:
    """Return how far the same call may be from itself: far less than rounding may do to another way to compute."""
    return EXACT * np.maximum(abs(values), np.median(abs(values), axis=0))


def ratio(given: Array, expected: Array, tolerance: Array) -> float:
    """Return the largest error over its tolerance, infinite for NaN."""
    off = np.nan_to_num(abs(given - expected), nan=np.inf)
    return float((off / np.maximum(tolerance, np.finfo(float).tiny)).max(initial=0.0))


def near(given: Array, expected: Array) -> float:
    """Return the largest error over a billionth of its column's size."""
    size = 1e-9 * (abs(expected) + 1e-3 * abs(expected).max(axis=0, initial=0.0))
    return ratio(given, expected, np.maximum(size, np.finfo(float).tiny)) if given.size else 0.0


def worst(given: Array, expected: Array) -> float:
    """Return max|given − expected|, infinite for NaN."""
    return float(np.nan_to_num(abs(given - expected), nan=np.inf).max(initial=0.0))


def writeable(array: Array) -> bool:
    """Return whether somebody could write into an array."""
    return bool(np.asarray(array).flags.writeable)
