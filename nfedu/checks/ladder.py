"""The check ladder: what a layer, and a flow, must pass before anybody believes a picture of it."""

import copy

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Bijection
from nfedu.checks.contract import check_contract
from nfedu.checks.densities import check_integral, check_samples
from nfedu.checks.gradients import check_gradients, compare_gradient
from nfedu.checks.report import Report
from nfedu.checks.values import check_jacobian, check_round_trip
from nfedu.flow import Flow
from nfedu.parameters import cast


def check_bijection(layer: Bijection, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Hold a layer to its contract at the data points `x` (N, n), N ≥ 2; return the report.

    Rungs 1 to 5, in both directions: contract, round trip, log-det against a dense numerical Jacobian, promised
    structure, and backward against numerical derivatives for the input and every parameter. A float64 copy is
    checked: the layer itself is not touched. `rng` draws the gradients handed to backward, default_rng(0) unless given.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    x = as_batch(x, layer.n, "check_bijection").astype(np.float64)
    if len(x) < 2:
        raise ValueError("check_bijection: x has 1 row, expected at least 2, to see whether rows stay on their own")
    layer = cast(layer, np.float64)
    report = Report(f"{type(layer).__name__}, n = {layer.n}, {len(x)} points")
    if not check_contract(report, layer, "x_to_z", x, rng):
        return report
    z = layer.x_to_z(x)[0]
    if not check_contract(report, layer, "z_to_x", z, rng):
        return report
    check_round_trip(report, layer, x, z)
    for direction, y in (("x_to_z", x), ("z_to_x", z)):
        check_jacobian(report, layer, direction, y)
        check_gradients(report, layer, direction, y, rng)
    report.checks.sort(key=lambda check: check.rung)
    return report


def check_flow(flow: Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Check a flow at the data points `x` (N, n): its bijection as above, `nll` and `score`, and rung 6.

    Rung 6: for n ≤ 2 the density integrates to one, and for n ≤ 6 samples agree with `log_prob`.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    flow = flow.astype(np.float64)
    report = check_bijection(flow.bijection, x, rng=rng)
    report.title = f"Flow of {len(flow.bijection.bijections)} layers, n = {flow.n}, {len(x)} points"
    if not report.ok:
        return report
    x = np.asarray(x, dtype=np.float64)
    twin, complex_twin = copy.deepcopy(flow), flow.astype(np.complex128)

    def mean_nll(theta: Array) -> Array:
        called = complex_twin if np.iscomplexobj(theta) else twin
        called.theta[:] = theta
        return np.stack([-called.log_prob(x).mean(), np.zeros((), theta.dtype)])

    def log_prob(v: Array) -> Array:
        called = complex_twin if np.iscomplexobj(v) else twin
        called.theta[:] = flow.theta
        return np.stack([called.log_prob(v).sum(), np.zeros((), v.dtype)])

    flow.nll(x)
    if flow.theta.size:
        compare_gradient(report, "nll: theta", flow.grad, mean_nll, flow.theta, rng)
    compare_gradient(report, "score", flow.score(x), log_prob, x, rng)
    if flow.n <= 2:
        check_integral(report, flow, rng)
    if flow.n <= 6:
        check_samples(report, flow, rng)
    return report
