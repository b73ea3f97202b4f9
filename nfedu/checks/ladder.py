"""The check ladder: what a layer, and a flow, must pass before anybody believes a picture of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

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

MOVE = 0.3


def check_bijection(layer: Bijection | Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Hold a layer to its contract at the data points `x` (N, n), N ≥ 2; return the report.

    Rungs 1 to 5, in both directions: contract, round trip, log-det against a dense numerical Jacobian, promised
    structure, and backward against numerical derivatives for the input and every parameter. A float64 copy is checked,
    the layer itself is not touched. Parameters of which all entries are equal, as when they have just been made, are
    moved by N(0, 0.3²) first, and the points with them: at a scale of 1 or a shift of 0 a wrong sign does not show.
    `rng` draws these moves and the gradients handed to backward, default_rng(0) unless given.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    layer = layer.bijection if isinstance(layer, Flow) else layer
    x = as_batch(x, layer.n, "check_bijection").astype(np.float64)
    if len(x) < 2:
        raise ValueError("check_bijection: x has 1 row, expected at least 2, to see whether rows stay on their own")
    layer = cast(layer, np.float64)
    report = Report(f"{type(layer).__name__}, n = {layer.n}, {len(x)} points")
    z = attempt(report, 1, "x_to_z", layer.x_to_z, x.copy())
    if z and np.shape(z[0]) == x.shape and move(layer, rng):
        moved = attempt(report, 1, "z_to_x with other parameters", layer.z_to_x, z[0].copy())
        x = np.array(moved[0]) if moved else x
    if not report.ok or not check_contract(report, layer, "x_to_z", x, rng):
        return report
    z = layer.x_to_z(x)[0]
    if not check_contract(report, layer, "z_to_x", z, rng):
        return report
    attempt(report, 2, "round trip", check_round_trip, report, layer, x, other_latents(layer, z, rng))
    for direction, y in (("x_to_z", x), ("z_to_x", z)):
        attempt(report, 3, f"{direction}: Jacobian", check_jacobian, report, layer, direction, y)
        attempt(
            report, 5, f"{direction}: gradients", lambda d=direction, y=y: check_gradients(report, layer, d, y, rng)
        )
    report.checks.sort(key=lambda check: check.rung)
    return report


def check_flow(flow: Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Check a flow at the data points `x` (N, n): its bijection as above, `nll` and `score`, and rung 6.

    Rung 6: for n ≤ 2 the density integrates to one, and for n ≤ 6 samples agree with `log_prob`. There, and for `nll`
    and `score`, the flow is judged at its own theta.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    flow = flow.astype(np.float64)
    report = check_bijection(flow, x, rng=rng)
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

    report.compare(
        5, "nll: the mean of −log_prob", np.array([flow.nll(x)]), np.array([-flow.log_prob(x).mean()]), 1e-12
    )
    if flow.theta.size:
        compare_gradient(report, "nll: theta", flow.grad, mean_nll, flow.theta, rng)
    compare_gradient(report, "score", flow.score(x), log_prob, x, rng)
    if flow.n <= 2:
        attempt(report, 6, "integral", check_integral, report, flow, rng)
    if flow.n <= 6:
        attempt(report, 6, "samples", check_samples, report, flow, rng)
    return report


def other_latents(layer: Bijection, z: Array, rng: np.random.Generator) -> Array:
    """Return normal latents, since a map that folds brings back the data's; the data's if normal ones are outside."""
    drawn = rng.standard_normal(z.shape)
    try:
        layer.z_to_x(drawn.copy())
    except ValueError:
        return z
    return drawn


def move(layer: Bijection, rng: np.random.Generator) -> bool:
    """Add noise to each parameter whose entries are all equal; return whether there was one."""
    fresh = [p for p in layer.parameters().values() if p.value.size and np.ptp(p.value) == 0]
    for p in fresh:
        p.value += MOVE * rng.standard_normal(p.value.shape)
    return bool(fresh)


def attempt(report: Report, rung: int, quantity: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Return what the call returns; when it raises, add a failed check that says what, and return None."""
    try:
        return call(*arguments)
    except Exception as error:  # a learner's layer may fail in any way
        report.add(rung, f"{quantity}: runs", np.inf, 0, f"raised {type(error).__name__}: {error}")
        return None
