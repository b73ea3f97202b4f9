"""Rungs 2 to 5 for a layer whose rows mix, as BatchNorm in training: the batch as a whole."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection
from nfedu.bijections.normalization.base import in_mode, normalizations
from nfedu.checks.diagnosis.gradient import of_gradient
from nfedu.checks.diagnosis.round_trip import of_round_trip
from nfedu.checks.diagnosis.versions import Gradients
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.matrices import numerical_jacobians
from nfedu.checks.numerics.rounding import gradient_noise, tolerance_of
from nfedu.checks.numerics.units import spread
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.gradient.input import FLOOR, RELATIVE
from nfedu.checks.rungs.gradient.parameters import check_parameters
from nfedu.checks.rungs.legs import Leg
from nfedu.checks.rungs.log_det import check_log_det
from nfedu.checks.rungs.round_trip import check_round_trip
from nfedu.checks.rungs.structure import check_structure
from nfedu.checks.subject.subject import Subject


def check_mixing(report: Report, subject: Subject, layer: Any, x: Array, rng: np.random.Generator) -> None:
    """Add what can be asked of both directions at the batch `x`; Jacobians are taken with the statistics held."""
    z = np.array(subject.values("x_to_z", x.copy())[:, :-1])
    holds = isinstance(layer, Bijection) and bool(normalizations(layer))
    if holds:
        legs = [held_leg(subject, layer, d, y, rng) for d, y in (("x_to_z", x), ("z_to_x", z))]
        check_round_trip(report, subject, legs[0], legs[1])
        for one in legs:
            check_log_det(report, subject, one)
            check_structure(report, subject, one)
    else:
        back = subject.values("z_to_x", z.copy())[:, :-1]
        tolerance = tolerance_of(subject, "x_to_z", x, rng)[:, :-1] + 1e-10 * spread(x)
        cause, words = of_round_trip(back, x, spread(x), tolerance, z)
        report.compare(
            2, "x→z→x", back, x, tolerance, spread(x), cause=cause, words=words, where=subject.place("z_to_x")
        )
        report.leave_out("log_det against a Jacobian: rows mix, and the layer has no mode that holds its statistics")
    for direction, y, out in (("x_to_z", x, z), ("z_to_x", z, x)):
        check_whole_input(report, subject, direction, y, rng)
        check_parameters(report, subject, direction, y, spread(out), rng)


def held_leg(subject: Subject, layer: Any, direction: str, y: Array, rng: np.random.Generator) -> Leg:
    """Return one direction with its Jacobians at the statistics held."""
    values = subject.values(direction, y.copy())
    rounding = tolerance_of(subject, direction, y, rng)
    with in_mode("evaluation", layer):
        numerical = numerical_jacobians(subject, direction, y, spread(y), rng)
    return Leg(direction, y, values[:, :-1], values[:, -1], np.broadcast_to(spread(y), y.shape), numerical, rounding)


def check_whole_input(report: Report, subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> None:
    """Add: backward's result is the gradient of Σ g_out·out + Σ g_log_det·log_det by every entry of the batch."""
    out_unit = spread(subject.values(direction, y.copy())[:, :-1])
    g_out, g_log_det = rng.standard_normal(y.shape) / out_unit, rng.standard_normal(len(y))
    backward = subject.call(direction, y.copy())[2]

    def losses(v: Array) -> Array:
        values = subject.values(direction, v)
        return np.stack([(g_out * values[:, :-1]).sum(), (g_log_det * values[:, -1]).sum()])[None]

    derivative = Derivative(losses, y, spread(y), rng)
    expected, unsure = np.zeros((2, 2, *y.shape))
    for index in np.ndindex(y.shape):
        D, U = derivative.entry(index)
        expected[(slice(None), *index)], unsure[(slice(None), *index)] = D[0], U[0]
    given = subject.gradients(backward, g_out, g_log_det)[0]
    noise = gradient_noise(subject, direction, y, g_out, g_log_det, rng)[0]
    total = expected.sum(axis=0)
    size = abs(expected).sum(axis=0).max(axis=0) + 1 / spread(y)
    tolerance = RELATIVE * abs(total) + FLOOR * size + 3 * unsure.sum(axis=0) + noise
    failure = {}
    if (abs(given - total) > tolerance).any():
        halves = np.stack(
            [subject.gradients(backward, g_out, 0 * g_log_det)[0], subject.gradients(backward, 0 * g_out, g_log_det)[0]]
        )
        g = Gradients(halves[None], expected[None], np.broadcast_to(tolerance, halves.shape)[None])
        cause, words = of_gradient(g, len(y))
        if len(y) > 4 and of_statistics(given - total, y):
            cause = "path-missing"
            words = "off by a + b·input in each column: the ways through the batch's mean and variance are missing"
        failure = {"cause": cause, "words": words, "where": subject.place(direction, backward)}
    report.compare(5, f"{direction}: input ({derivative.method})", given, total, tolerance, size, **failure)


def of_statistics(error: Array, y: Array) -> bool:
    """Return whether each column of an error (N, n) is a + b·y there, as when a mean and a variance are left out."""
    for e, column in zip(error.T, y.T, strict=True):
        basis = np.stack([np.ones_like(column), column], axis=1)
        if abs(basis @ np.linalg.lstsq(basis, e, rcond=None)[0] - e).max() > 1e-6 * abs(error).max():
            return False
    return True
