"""Scalar functions that stay accurate at both ends and let the complex step through.

Each equals its textbook formula, and each is complex-analytic along the branch that the real part takes, so that
Im f(x + ih)/h is f'(x) to machine precision. `abs`, `max` of moduli and `np.logaddexp` would break that.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array


def softplus(a: Array) -> Array:
    """Return log(1 + eᵃ) = max(a, 0) + log(1 + e^{−|a|}), without overflow."""
    return np.maximum(a, 0) + np.log1p(np.exp(np.minimum(a, -a)))  # NumPy orders complex numbers by their real part


def sigmoid(a: Array) -> Array:
    """Return 1 / (1 + e⁻ᵃ), the derivative of softplus; relative accuracy at both ends."""
    positive = a.real > 0
    e = np.exp(np.where(positive, -a, a))
    return np.where(positive, 1, e) / (1 + e)


def log_sum_exp(a: Array, axis: int) -> Array:
    """Return log Σ eᵃ along `axis`, shifted by the largest real part so that nothing overflows."""
    shift = a.real.max(axis=axis, keepdims=True)
    shift = np.where(np.isfinite(shift), shift, 0)  # all −∞: the sum is 0, not NaN
    return np.log(np.exp(a - shift).sum(axis=axis)) + shift.squeeze(axis)
