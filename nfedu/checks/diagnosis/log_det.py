"""A wrong log-det: missing, of the other direction, off by a factor, a constant or a term."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import CLOSE, DIGITS, Diagnosis, is_single


def of_log_det(given: Array, expected: Array, tolerance: Array) -> Diagnosis:
    """Name the mistake in a log-det, (N,) against slogdet's."""
    if not np.isfinite(expected).all():
        return Diagnosis("not-inverse", "the Jacobian is singular there: the map cannot be undone")
    if not np.isfinite(given).all():
        return Diagnosis("nonfinite", "not finite: a logarithm of 0 or of a negative number, or an overflow")
    off = given - expected
    size = np.maximum(1, abs(expected))
    if not given.any():
        return Diagnosis("logdet-missing", "zero: the log-det is missing")
    if (abs(off) <= DIGITS * size).all() and np.ptp(off) > 0.1 * abs(off).max() and is_single(given):
        return Diagnosis("precision", "right to seven digits: float32")
    fits = lambda target: (abs(given - target) <= 10 * tolerance + CLOSE * abs(target)).all()  # noqa: E731
    if fits(-expected):
        return Diagnosis("logdet-sign", "the sign is flipped: this is the log-det of the other direction")
    varies = np.ptp(expected) > 1e-3 * abs(expected).max()
    c = float((given * expected).sum() / max((expected**2).sum(), np.finfo(float).tiny))
    if varies and fits(c * expected) and len(given) > 2:
        return Diagnosis("logdet-factor", f"off by the factor {c:.6g} in every row")
    if np.ptp(off) <= 10 * tolerance.max() + CLOSE * abs(off).max():
        words = f"off by {off.mean():.6g} in every row" + ("" if varies else f", a factor of {c:.6g}")
        return Diagnosis("logdet-constant", f"{words}: a constant or a term per coordinate")
    if (abs(off) <= 1e-3 * size).all():
        return Diagnosis(
            "inexact", f"close, not exact (to {(abs(off) / size).max():.1g}): a series is cut short, or an ε left out"
        )
    return Diagnosis("logdet-term", "off by an amount that differs from row to row: a term, or the axis of the sum")
