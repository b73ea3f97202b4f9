"""What float32 costs: a few points in float64 too, and a warning where the difference is more than rounding."""

from __future__ import annotations

import warnings
from contextlib import suppress
from typing import Any, Protocol

import numpy as np

from nfedu.arrays import Array

ROWS = 8
SAMPLE_LIMIT, LOG_PROB_LIMIT = 1e-3, 1e-2  # of the samples' deviation; in nats


class PrecisionWarning(UserWarning):
    """Results are off by more than rounding once."""


class HasDensity(Protocol):
    """What is asked of a flow here, which stands above this file."""

    dtype: Any
    base: Any
    bijection: Any

    def log_prob(self, x: Array) -> Array:
        """Return log p at each row of x."""
        ...


def compare(single: HasDensity, double: HasDensity, x: Array | None = None) -> tuple[float, float]:
    """Return by how much samples of a float32 flow are off, in deviations, and log p at rows of `x`, in nats.

    Measured at ROWS points: an estimate of what a stack's slopes make of rounding errors, not a bound.
    """
    z = single.base.sample(ROWS, np.random.default_rng(0)).astype(single.dtype)
    rough, exact = (flow.bijection.values("z_to_x", z.astype(flow.dtype))[0] for flow in (single, double))
    deviation = np.maximum(exact.std(axis=0), np.finfo(float).tiny)
    x = exact if x is None else x[:ROWS]
    log_p = double.log_prob(x)
    off = abs(single.log_prob(x) - log_p) / np.maximum(1, 1e-3 * abs(log_p))
    return float((abs(rough - exact) / deviation).max()), float(off.max())


def warn_of_lost_digits(single: HasDensity, double: HasDensity, x: Array | None = None) -> None:
    """Warn with the size of the loss when a float32 flow is off by more than the limits; what fails says so itself."""
    with suppress(ValueError, AttributeError), np.errstate(all="ignore"):
        sample, log_p = compare(single, double, x)
        if sample > SAMPLE_LIMIT or log_p > LOG_PROB_LIMIT:
            words = f"samples are off by up to {sample:.1e} deviations, log p by {log_p:.1e} nats"
            hint = "use flow.astype(np.float64), fewer layers, or smaller bounds and weights"
            message = f"float32 loses digits in this flow: of {ROWS} points {words}; {hint}"
            warnings.warn(message, PrecisionWarning, stacklevel=3)
