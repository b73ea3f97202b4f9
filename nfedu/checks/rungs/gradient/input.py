"""Rung 5, the input: the Jacobian that backward multiplies by, against the one that the map has."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.gradient import of_gradient
from nfedu.checks.diagnosis.versions import Gradients
from nfedu.checks.numerics.matrices import BLUR, from_backward
from nfedu.checks.numerics.rounding import rounding_of
from nfedu.checks.numerics.units import spread
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.legs import Leg
from nfedu.checks.subject.subject import Subject

RELATIVE = 1e-11  # of each entry
FLOOR = 1e-12  # of the largest in its row and in its column, in units of both, or of the terms that a sum has
WHOLE = 64  # from this n on, Jacobians are compared along random directions
DIRECTIONS = 3


def check_input(
    report: Report, subject: Subject, leg: Leg, rng: np.random.Generator, at: str = "", slack: float = 1.0
) -> bool:
    """Add: the Jacobian that backward multiplies by is the map's, entry by entry, and so is the log-det's gradient.

    `slack` widens the tolerance, for far points where 1 − tanh² and the like have few digits.
    """
    backward = subject.call(leg.direction, leg.start.copy())[2]
    where = subject.place(leg.direction, backward)
    quantity = f"{leg.direction}: input ({leg.numerical.method}){at}"
    N, n = leg.start.shape
    if n > WHOLE:
        return check_input_along(report, subject, leg, rng, quantity, where)

    def both(v: Array) -> Array:
        return stacked(*from_backward(subject, subject.call(leg.direction, v.copy())[2], v.shape))

    given = both(leg.start)
    noise = rounding_of(subject, leg.start, both, rng, times=2 if n <= 16 else 1)
    expected = stacked(leg.numerical.J, leg.numerical.of_log_det)
    unsure = stacked(leg.numerical.unsure, leg.numerical.unsure_log_det)
    unit = leg.unit[:, None]
    largest = (abs(expected) * unit).max(axis=2, keepdims=True)  # of each output, for a unit step
    largest[:, -1] = np.maximum(largest[:, -1], 1)  # a log-det is a sum of terms of size one
    blurred = BLUR * np.minimum(leg.blur, 1.0)[:, None] * abs(expected)  # computed from an output that has few digits
    tolerance = slack * (RELATIVE * abs(expected) + FLOOR * largest / unit) + 3 * unsure + noise + blurred
    out_unit = np.append(spread(leg.end), 1.0)[:, None]  # of each output, and of log_det
    tolerance += slack * FLOOR * out_unit * (abs(expected) / out_unit).max(axis=1, keepdims=True)  # of each input
    left_out = ~np.isfinite(unsure) | (blurred > abs(expected))
    if left_out.any():
        what = f"{np.count_nonzero(left_out)} of {left_out.size} derivatives of {leg.direction}{at}"
        report.leave_out(f"{what}: kinks or lost digits")
        given, tolerance = np.where(left_out, expected, given), np.where(left_out, 1.0, tolerance)
    if left_out.all():
        return True
    if (abs(given - expected) <= tolerance).all():
        return report.compare(5, quantity, given, expected, tolerance, np.maximum(abs(expected), largest / unit))
    found = of_gradient(Gradients(given, expected, tolerance, leg.start), rows=N)
    return report.compare(
        5, quantity, given, expected, tolerance, np.maximum(abs(expected), largest / unit),
        cause=found.cause, words=found.words, where=where,
    )  # fmt: skip


def check_input_along(
    report: Report, subject: Subject, leg: Leg, rng: np.random.Generator, quantity: str, where: str
) -> bool:
    """Add the same for a high dimension: gᵀJ for a few random g, and the log-det's gradient."""
    J, N, n = leg.numerical.J, *leg.start.shape
    unit = leg.unit[:, None]
    scale = (abs(J) * unit).max(axis=2)
    g = rng.standard_normal((DIRECTIONS, N, n)) / np.where(scale > 0, scale, 1.0)
    none, ones = np.zeros(N), np.ones(N)

    def both(v: Array) -> Array:
        backward = subject.call(leg.direction, v.copy())[2]
        rows = [subject.gradients(backward, g_k, none)[0] for g_k in g]
        return np.stack([*rows, subject.gradients(backward, 0 * v, ones)[0]], axis=1)

    given, noise = both(leg.start), rounding_of(subject, leg.start, both, rng, times=1)
    expected = np.concatenate([np.einsum("kNi,Nij->Nkj", g, J), leg.numerical.of_log_det[:, None]], axis=1)
    terms = np.concatenate([np.einsum("kNi,Nij->Nkj", abs(g), abs(J)), abs(leg.numerical.of_log_det)[:, None]], axis=1)
    unsure = np.concatenate(
        [np.einsum("kNi,Nij->Nkj", abs(g), leg.numerical.unsure), leg.numerical.unsure_log_det[:, None]], axis=1
    )
    blurred = BLUR * np.minimum(leg.blur, 1.0)[:, None] * terms
    left_out = ~np.isfinite(unsure) | (blurred > terms)
    tolerance = RELATIVE * abs(expected) + FLOOR * (terms + 1 / unit) + 3 * unsure + noise + blurred
    if left_out.any():
        report.leave_out(f"{np.count_nonzero(left_out)} of {left_out.size} sums of {quantity}: kinks or lost digits")
        given, tolerance = np.where(left_out, expected, given), np.where(left_out, 1.0, tolerance)
    if left_out.all():
        return True
    found = (
        of_gradient(Gradients(given, expected, tolerance), rows=N)
        if (abs(given - expected) > tolerance).any()
        else None
    )
    cause, words = found or ("", "")
    return report.compare(
        5, quantity, given, expected, tolerance, terms + 1 / unit, cause=cause, words=words, where=where
    )


def stacked(J: Array, of_log_det: Array) -> Array:
    """Return ∂out/∂in (N, n, n) and ∂log_det/∂in (N, n) as one (N, n + 1, n)."""
    return np.concatenate([J, of_log_det[:, None]], axis=1)
