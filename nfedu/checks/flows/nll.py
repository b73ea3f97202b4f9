"""nll is the mean of −log_prob, and grad its gradient in θ."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.flows.use import RELATIVE
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import guarded
from nfedu.checks.subject.lines import place_of
from nfedu.flow import Flow


def check_nll(report: Report, flow: Flow, x: Array, rng: np.random.Generator) -> None:
    """Add: nll is the mean of −log_prob, grad its gradient in θ, set anew by each call."""
    where = place_of(flow, "nll")
    loss, mean = float(flow.nll(x.copy())), float(-flow.log_prob(x.copy()).mean())
    grad = np.array(flow.grad)
    size = np.abs(flow.log_prob(x.copy())).mean() + 1
    words = f"nll = {loss:.9g}, the mean of −log_prob is {mean:.9g}, ratio {loss / mean if mean else np.nan:.6g}"
    report.add(5, "nll: the mean of −log_prob", abs(loss - mean) / size, RELATIVE, "nll", words, where=where)
    if not grad.size:
        return
    flow.nll(x.copy())
    again = np.array(flow.grad)
    words = "a second nll leaves another grad: it must be set to zero first"
    report.compare(
        5, "nll: grad is set anew", again, grad, 1e-9 * (abs(grad) + abs(grad).max()), abs(grad) + abs(grad).max(),
        cause="nll", words=words, where=where,
    )  # fmt: skip
    log_prob = of_theta(flow, x)
    derivative = Derivative(log_prob, np.array(flow.theta), abs(flow.theta) + 0.1, rng)
    found, expected, tolerance, size = np.zeros((4, 3))
    for k in range(3):
        v = rng.standard_normal(flow.theta.size)
        D, unsure = derivative.along(v)
        if not np.isfinite(unsure).all():
            report.leave_out("nll's gradient along some directions: kinks or lost digits")
            continue
        found[k], expected[k], size[k] = v @ grad, -D.mean(), abs(D).mean() + abs(v * grad).sum()
        tolerance[k] = 1e-9 * size[k] + unsure.mean()
    ratio = found[0] / expected[0] if expected[0] else np.nan
    words = f"v·grad = {found[0]:.9g}, the derivative of the mean along v is {expected[0]:.9g}, ratio {ratio:.6g}"
    if np.isclose(ratio, len(x)) or np.isclose(ratio, 1 / len(x)):
        words += f": N = {len(x)}, a sum for a mean or a mean for a sum"
    report.compare(
        5,
        f"nll: θ ({derivative.method})",
        found,
        expected,
        tolerance,
        size,
        cause="nll",
        words=words,
        where=where,
        detail="",
    )


def of_theta(flow: Flow, x: Array) -> Callable[[Array], Array]:
    """Return log_prob of each row of `x`, (N, 1), as a function of θ."""
    twin, complex_twin = flow.astype(np.float64), flow.astype(np.complex128)

    def values(theta: Array) -> Array:
        called = complex_twin if np.iscomplexobj(theta) else twin
        called.theta[:] = theta
        return guarded(called.log_prob, x.astype(theta.dtype))[:, None]

    return values
