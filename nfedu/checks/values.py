"""Rungs 2 to 4: the round trip, the log-det against a dense Jacobian, and the Jacobian's promised structure."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.bijections.base import Bijection
from nfedu.bijections.normalization import in_mode
from nfedu.checks import diagnosis
from nfedu.checks.derivatives import jacobians, trusted_method
from nfedu.checks.report import Report
from nfedu.parameters import cast

ROUND_TRIP = 1e-12
LOG_DET = {"complex": 1e-10, "central": 1e-6}
ONES = {"complex": 1e-12, "central": 1e-7}
ZEROS = {"complex": 0.0, "central": 1e-7}


def layer_jacobians(layer: Bijection, direction: str, y: Array) -> tuple[Array, str]:
    """Return the dense Jacobian of "z_to_x" or "x_to_z" at every row of `y`, (N, n, n), and the method used.

    A row's Jacobian needs rows that stay on their own: of a layer whose rows mix it is that with the statistics held.
    """
    twin = cast(layer, np.complex128)

    def output(v: Array) -> Array:
        return getattr(twin if np.iscomplexobj(v) else layer, direction)(v)[0]

    with in_mode("evaluation", layer), in_mode("evaluation", twin):
        method = trusted_method(output, y, np.random.default_rng(0))
        return jacobians(output, y, method), method


def check_round_trip(report: Report, layer: Bijection, x: Array, z: Array) -> None:
    """Add rung 2: x→z→x at the data, z→x→z at other latents; errors relative to the largest coordinate."""
    latents = layer.x_to_z(x)[0]
    layer.x_to_z(x[::-1].copy())  # so that what a layer may keep of its last call is of no use
    back = layer.z_to_x(latents)[0]
    report.compare(2, "x→z→x", back, x, ROUND_TRIP, diagnosis.of_round_trip(back, x))
    data = layer.z_to_x(z)[0]
    layer.z_to_x(z[::-1].copy())
    back = layer.x_to_z(data)[0]
    report.compare(2, "z→x→z", back, z, ROUND_TRIP, diagnosis.of_round_trip(back, z))


def round_trip_error(layer: Bijection, z: Array) -> float:
    """Return the largest error of z→x→z in the dtype of `z`; infinity when a number overflows on the way."""
    with np.errstate(all="ignore"):
        try:
            return float(abs(layer.x_to_z(layer.z_to_x(z)[0])[0] - z).max())
        except NonFiniteError:
            return np.inf


def check_jacobian(report: Report, layer: Bijection, direction: str, y: Array) -> None:
    """Add rungs 3 and 4 for one direction, from the dense Jacobian at every row of `y`."""
    J, method = layer_jacobians(layer, direction, y)
    log_det = getattr(layer, direction)(y)[1]
    expected = np.linalg.slogdet(J)[1]
    row = np.argmax(abs(log_det - expected))
    report.add(
        3,
        f"{direction}: log_det ({method})",
        abs(log_det - expected)[row],
        LOG_DET[method],
        f"row {row}: got {log_det[row]:.9g}, slogdet of the dense Jacobian {expected[row]:.9g}",
        diagnosis.of_log_det(log_det, expected),
    )

    patterns = layer.jacobian_pattern()
    if patterns is None:
        return
    pattern = patterns[direction == "x_to_z"]
    worst = np.take_along_axis(J, abs(J - np.nan_to_num(pattern)).argmax(axis=0)[None], axis=0)[0]  # (n, n)
    zero = pattern == 0
    words = diagnosis.of_structure(worst, np.where(zero, 0, np.nan), ZEROS[method])
    report.add(4, f"{direction}: exact zeros", abs(J[:, zero]).max(initial=0), ZEROS[method], diagnosis=words)
    fixed = ~np.isnan(pattern) & ~zero
    words = diagnosis.of_structure(worst, np.where(fixed, pattern, np.nan), ONES[method])
    error = abs(J[:, fixed] - pattern[fixed]).max(initial=0)
    report.add(4, f"{direction}: fixed entries", error, ONES[method], diagnosis=words)
