"""The check ladder: what a layer, and a flow, must pass before anybody believes a picture of it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Bijection
from nfedu.bijections.normalization import in_mode
from nfedu.checks.contract import check_contract, mixes_rows
from nfedu.checks.densities import check_integral, check_samples
from nfedu.checks.gradients import check_gradients, compare_gradient
from nfedu.checks.report import Report
from nfedu.checks.values import check_jacobian, check_round_trip
from nfedu.flow import Flow
from nfedu.parameters import Parameter, cast

MOVE = 0.1


def check_bijection(layer: Bijection | Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Hold a layer to its contract at the data points `x` (N, n), N ≥ 2; return the report.

    Rungs 1 to 5, in both directions: contract, round trip, log-det against a dense numerical Jacobian, promised
    structure, and backward against numerical derivatives for the input and every parameter. A float64 copy is checked,
    the layer itself is not touched. Its parameters are moved by a tenth of their size first, by 0.1 where they are 0,
    and the points with them: at a scale of 1, a shift of 0 or a matrix I many mistakes do not show.
    A layer whose rows mix (BatchNorm in training) is held to all of this too: its statistics are observed at `x`, its
    log-det is compared with the Jacobian at these, and its gradients must run through them.
    `rng` draws these moves and the gradients handed to backward, default_rng(0) unless given.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    bijection = layer.bijection if isinstance(layer, Flow) else layer
    x = as_batch(x, bijection.n, "check_bijection").astype(np.float64)
    if len(x) < 2:
        raise ValueError("check_bijection: x has 1 row, expected at least 2, to see whether rows stay on their own")
    report = Report(f"{type(bijection).__name__}, n = {bijection.n}, {len(x)} points")
    bijection, x = moved(cast(bijection, np.float64), x, rng)
    if mixes_rows(bijection):
        with in_mode("observing", bijection), suppress(Exception):  # the first rung will say what is wrong
            bijection.x_to_z(x)
    forgotten = [k for k, v in vars(bijection).items() if isinstance(v, Parameter) and not declared(v, bijection)]
    note = f"parameters() does not return {', '.join(forgotten)}: it would not be learned"
    report.add(1, "parameters", len(forgotten), 0, diagnosis=note)
    if not check_contract(report, bijection, "x_to_z", x, rng):
        return report
    z = bijection.x_to_z(x)[0]
    if not check_contract(report, bijection, "z_to_x", z, rng):
        return report
    latents = z if mixes_rows(bijection) else other_latents(bijection, z, rng)
    attempt(report, 2, "round trip", check_round_trip, report, bijection, x, latents)
    for direction, y in (("x_to_z", x), ("z_to_x", z)):
        attempt(report, 3, f"{direction}: Jacobian", check_jacobian, report, bijection, direction, y)
        attempt(report, 5, f"{direction}: gradients", check_gradients, report, bijection, direction, y, rng)
    report.checks.sort(key=lambda check: check.rung)
    return report


def check_flow(flow: Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Check a flow at the data points `x` (N, n): its bijection as above, `nll` and `score`, and rung 6.

    Rung 6: for n ≤ 2 the density integrates to one, and for n ≤ 6 samples agree with `log_prob`. There, and for `nll`
    and `score`, the flow is judged at its own theta.
    """
    if not hasattr(flow, "log_prob"):
        raise ValueError(f"check_flow: got a {type(flow).__name__}, expected a Flow; for a layer call check_bijection")
    rng = np.random.default_rng(0) if rng is None else rng
    flow = flow.astype(np.float64)
    report = check_bijection(flow, x, rng=rng)
    report.title = f"Flow of {len(flow.bijection.bijections)} layers, n = {flow.n}, {len(x)} points"
    if not report.ok:
        return report
    attempt(report, 5, "nll and score", check_objectives, report, flow, np.asarray(x, dtype=np.float64), rng)
    with in_mode("evaluation", flow.bijection):
        if flow.n <= 2:
            attempt(report, 6, "integral", check_integral, report, flow, rng)
        if flow.n <= 6:
            attempt(report, 6, "samples", check_samples, report, flow, rng)
    return report


def check_objectives(report: Report, flow: Flow, x: Array, rng: np.random.Generator) -> None:
    """Add the rest of rung 5 for a flow: `nll`, its gradient in theta, and the score."""
    twin, complex_twin = copy.deepcopy(flow), flow.astype(np.complex128)

    def mean_nll(theta: Array) -> Array:
        called = complex_twin if np.iscomplexobj(theta) else twin
        called.theta[:] = theta
        return np.stack([-called.log_prob(x).mean(), np.zeros((), theta.dtype)])

    def log_prob(v: Array) -> Array:
        called = complex_twin if np.iscomplexobj(v) else twin
        called.theta[:] = flow.theta
        return np.stack([called.log_prob(v).sum(), np.zeros((), v.dtype)])

    loss, mean = np.array([flow.nll(x)]), np.array([-flow.log_prob(x).mean()])
    report.compare(5, "nll: the mean of −log_prob", loss, mean, 1e-12)
    if flow.theta.size:
        compare_gradient(report, "nll: theta", flow.grad, mean_nll, flow.theta, rng)
    compare_gradient(report, "score", flow.score(x), log_prob, x, rng)


def moved(layer: Bijection, x: Array, rng: np.random.Generator) -> tuple[Bijection, Array]:
    """Return a copy of the layer with other parameters, and data in its domain; what was given, if that fails."""
    twin = copy.deepcopy(layer)
    for p in twin.parameters().values():
        size = np.sqrt(np.mean(p.value**2)) if p.value.any() else 1.0
        p.value += MOVE * size * rng.standard_normal(p.value.shape)
    try:
        with np.errstate(all="ignore"):
            y = np.array(twin.z_to_x(layer.x_to_z(x.copy())[0])[0])
    except Exception:  # the rungs will say what is wrong, if it is not the move
        return layer, x
    return (twin, y) if y.shape == x.shape and y.dtype == x.dtype and np.isfinite(y).all() else (layer, x)


def declared(parameter: Parameter, layer: Bijection) -> bool:
    """Return whether `layer.parameters()` returns this very parameter."""
    return any(parameter is p for p in layer.parameters().values())


def other_latents(layer: Bijection, z: Array, rng: np.random.Generator) -> Array:
    """Return normal latents, since a map that folds brings back the data's; the data's if normal ones are outside."""
    drawn = rng.standard_normal(z.shape)
    try:
        layer.z_to_x(drawn.copy())
    except ValueError:
        return z
    return drawn


def attempt(report: Report, rung: int, quantity: str, call: Callable[..., Any], *arguments: Any) -> None:
    """Make the call; when it raises, add a failed check that says what."""
    try:
        call(*arguments)
    except Exception as error:  # a learner's layer may fail in any way
        report.add(rung, f"{quantity}: runs", np.inf, 0, f"raised {type(error).__name__}: {error}")
