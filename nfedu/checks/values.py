"""Rungs 2 to 4: the round trip, the log-det against a dense Jacobian, and the Jacobian's promised structure."""

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection
from nfedu.checks import diagnosis
from nfedu.checks.derivatives import jacobians, trusted_method
from nfedu.checks.report import Report
from nfedu.parameters import cast

ROUND_TRIP = 1e-12
LOG_DET = {"complex": 1e-10, "central": 1e-6}
ONES = {"complex": 1e-12, "central": 1e-7}
ZEROS = {"complex": 0.0, "central": 1e-7}


def check_round_trip(report: Report, layer: Bijection, x: Array, z: Array) -> None:
    """Add rung 2: x→z→x and z→x→z, the error relative to the largest coordinate."""
    back = layer.z_to_x(layer.x_to_z(x)[0])[0]
    report.compare(2, "x→z→x", back, x, ROUND_TRIP, diagnosis.of_round_trip(back, x))
    back = layer.x_to_z(layer.z_to_x(z)[0])[0]
    report.compare(2, "z→x→z", back, z, ROUND_TRIP, diagnosis.of_round_trip(back, z))


def check_jacobian(report: Report, layer: Bijection, direction: str, y: Array, rng: np.random.Generator) -> None:
    """Add rungs 3 and 4 for one direction, from the dense Jacobian at every row of `y`."""
    complex_layer = cast(layer, np.complex128)

    def output(v: Array) -> Array:
        return getattr(complex_layer if np.iscomplexobj(v) else layer, direction)(v)[0]

    method = trusted_method(output, y, rng)
    J = jacobians(output, y, method)  # (N, n, n)
    log_det = getattr(layer, direction)(y)[1]
    expected = np.linalg.slogdet(J)[1]
    error = abs(log_det - expected).max()
    note = f"row {np.argmax(abs(log_det - expected))}: got {log_det[np.argmax(abs(log_det - expected))]:.9g}, " \
           f"slogdet of the {method} Jacobian {expected[np.argmax(abs(log_det - expected))]:.9g}"
    quantity = f"{direction}: log_det ({method})"
    report.add(3, quantity, error, LOG_DET[method], note, diagnosis.of_log_det(log_det, expected))

    patterns = layer.jacobian_pattern()
    if patterns is None:
        return
    pattern = patterns[direction == "x_to_z"]
    worst = np.take_along_axis(J, abs(J - np.nan_to_num(pattern)).argmax(axis=0)[None], axis=0)[0]  # (n, n)
    words = diagnosis.of_structure(worst, pattern)
    zero = pattern == 0
    report.add(4, f"{direction}: exact zeros", abs(J[:, zero]).max(initial=0), ZEROS[method], diagnosis=words)
    fixed = ~np.isnan(pattern) & ~zero
    error = abs(J[:, fixed] - pattern[fixed]).max(initial=0)
    report.add(4, f"{direction}: fixed entries", error, ONES[method], diagnosis=words)
