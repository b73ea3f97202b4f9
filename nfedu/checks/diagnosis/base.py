"""A diagnosis, a code and words, and what all of them ask of numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from nfedu.arrays import Array

CLOSE = 1e-6  # two coefficients are the same
DIGITS = 1e-5  # an error below this, relative to the result, loses digits; it is no other formula


class Diagnosis(NamedTuple):
    """A code of the table, and words."""

    cause: str
    words: str


def close(value: float, target: float) -> bool:
    """Return whether a coefficient is the target to six digits."""
    return abs(value - target) <= CLOSE * max(1.0, abs(target))


def is_single(values: Array) -> bool:
    """Return whether all numbers have float32's few digits."""
    return bool(np.array_equal(values.astype(np.float32).astype(values.dtype), values))
