"""The check ladder of a flow: its base alone first, then its layers, then what it makes of both."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.normalization.base import in_mode
from nfedu.checks.densities import check_integral, density_or_zero
from nfedu.checks.ladder.bijection import examine
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.units import spread
from nfedu.checks.probes.taken import taken
from nfedu.checks.reports.report import Report
from nfedu.checks.shares import Proposal, check_normalized, check_shares, enough
from nfedu.checks.subject.guard import Trouble, guarded, quiet
from nfedu.checks.subject.lines import code_of
from nfedu.checks.subject.subject import Subject
from nfedu.flow import Flow

UNCOVERED = 0.01  # of the samples, that weigh more than any point of the proposal
RELATIVE = 1e-10
CALLS = 100  # in which a base is asked for samples: what is drawn once a call must not count for all
LOST = 1e-3  # of the points, that the layers refuse or do not bring back
COUNT = 200_000  # points, for a base; a flow takes fewer where it costs more


def check_flow(flow: Flow, x: Array, *, rng: np.random.Generator | None = None) -> Report:
    """Check a flow at the data points `x` (N, n), N ≥ 2: base, layers, `log_prob`, `sample`, `nll`, `score`.

    The base comes first: is its log_prob normalized, do its samples follow it, is its score the gradient? Then its
    layers, as `check_bijection` does; then that log_prob and sample use both as they should, `nll` and `score` against
    numerical derivatives, and the density as a whole: its integral for n ≤ 2, and the shares of samples in many
    half-spaces and balls against importance weights, in whitened units. What has too few effective points is said to
    be not judged.
    """
    if not hasattr(flow, "log_prob"):
        raise ValueError(f"check_flow: got a {type(flow).__name__}, expected a Flow; for a layer call check_bijection")
    rng = np.random.default_rng(0) if rng is None else rng
    x = as_batch(x, flow.n, "check_flow").astype(np.float64)
    if len(x) < 2:
        raise ValueError("check_flow: x has 1 row, expected at least 2, to see whether rows stay on their own")
    flow = flow.astype(np.float64)
    report = Report(f"Flow of {len(flow.bijection.bijections)} layers, n = {flow.n}, {len(x)} points")
    with quiet():
        proposal = attempt(report, "base", check_base, report, flow.base, rng)
        sound = report.ok
        blame = "base-density" if report.not_judged else "direction"
        twin = copy.deepcopy(flow.bijection)
        x = taken(report, Subject(twin), x)
        examine(report, twin, x, rng)
        if not any(c.rung < 5 or "input" in c.quantity for c in report.failures if c.rung < 6):
            with in_mode("evaluation", flow.bijection):
                attempt(report, "log_prob and sample", check_use, report, flow, x, rng)
                attempt(report, "nll", check_nll, report, flow, x, rng)
                attempt(report, "score", check_score, report, "score", flow, x, rng, flow)
                if sound and report.ok and attempt(report, "samples", comes_back, report, flow, rng):
                    if flow.n <= 2:
                        attempt(report, "integral", check_integral, report, flow, rng, blame)
                    attempt(report, "samples", check_density, report, flow, proposal, rng)
    report.checks.sort(key=lambda check: check.rung)
    return report


def attempt(report: Report, quantity: str, call: Callable[..., Any], *arguments: Any) -> Any:
    """Make the call; when somebody's code does not bear it, add a failed check that says what."""
    try:
        return guarded(call, *arguments, seconds=60)
    except Trouble as trouble:
        return report.fail(6, f"{quantity}: runs", trouble.cause, trouble.words, where=trouble.where) or None


def check_base(report: Report, base: Any, rng: np.random.Generator) -> Proposal | None:
    """Add what a base must hold on its own; return the proposal that importance weights of it are taken from."""
    where = place(base, "sample")
    if not check_seed(report, "base", base.sample, base.n, where):
        return None
    z = np.concatenate([np.asarray(base.sample(COUNT // CALLS, rng), dtype=np.float64) for _ in range(CALLS)])
    log_p = np.asarray(base.log_prob(z[:50]))
    if log_p.shape != (50,) or not np.isfinite(log_p).all():
        what = (
            f"shape {log_p.shape}, expected (50,)" if log_p.shape != (50,) else "NaN or infinite where its samples lie"
        )
        report.fail(6, "base: log_prob", "base-density", f"log_prob is of {what}", where=place(base, "log_prob"))
        return None
    if hasattr(base, "score"):
        check_score(report, "base: score", base, z[:20], rng)
    for correlated in (True, False):
        proposal = Proposal(z, rng, correlated)
        points, log_q = proposal.draw(COUNT, rng)
        weights = density_or_zero(base, points) * np.exp(-log_q)
        if np.isnan(weights).any():
            report.fail(6, "base: log_prob", "base-density", "log_prob is NaN somewhere", where=place(base, "log_prob"))
            return None
        of_samples = density_or_zero(base, z[:5000]) * np.exp(-proposal.log_prob(z[:5000]))
        reached = (of_samples > weights.max()).mean() <= UNCOVERED
        if reached and enough(weights):
            break
    if not reached:
        report.leave_out("the density of the base: its samples lie where importance weights do not reach")
        return None
    if check_normalized(report, "base", weights, "base-density", place(base, "log_prob")):
        check_shares(report, "base", z, points, weights, "base-sampling", where, rng)
    return proposal


def check_seed(report: Report, name: str, sample: Callable[..., Array], n: int, where: str) -> bool:
    """Add: finite samples (count, n), the same for the same seed, others for another."""
    first, again, other = (np.asarray(sample(9, np.random.default_rng(seed))) for seed in (5, 5, 6))
    if first.shape != (9, n) or not np.isfinite(first).all():
        words = f"sample(9, rng) gave shape {first.shape}, expected finite numbers ({9}, {n})"
        return report.fail(6, f"{name}: samples", "shape" if first.shape != (9, n) else "nonfinite", words, where=where)
    same = np.array_equal(first, again)
    words = "the same seed gives other samples: draw from the generator that is passed, and from nothing else"
    if not report.add(6, f"{name}: same seed, same samples", not same, 0, "seed", words, where=where):
        return False
    words = "another seed gives the same samples: draw from the generator that is passed"
    return report.add(
        6, f"{name}: another seed, other samples", np.array_equal(first, other), 0, "seed", words, where=where
    )


def check_use(report: Report, flow: Flow, x: Array, rng: np.random.Generator) -> None:
    """Add: log_prob is the base's at x_to_z(x) plus log_det, and sample is z_to_x of the base's samples."""
    if not check_seed(report, "flow", flow.sample, flow.n, place(flow, "sample")):
        return
    z, log_det, _ = flow.bijection.x_to_z(x.copy())
    given, base_part = np.asarray(flow.log_prob(x.copy())), flow.base.log_prob(z)
    expected = base_part + log_det
    size = abs(base_part) + abs(log_det) + 1
    if given.shape != expected.shape:
        words = f"log_prob is of shape {given.shape}, expected {expected.shape}"
        report.fail(6, "flow: log_prob", "shape", words, where=place(flow, "log_prob"))
        return
    words = "log_prob is not base.log_prob(z) + log_det with z, log_det = x_to_z(x) (N6)"
    report.compare(
        6, "flow: log_prob", given, expected, RELATIVE * size, size,
        cause="direction", words=words, where=place(flow, "log_prob"),
    )  # fmt: skip
    drawn = flow.sample(9, np.random.default_rng(5))
    pushed = flow.bijection.z_to_x(flow.base.sample(9, np.random.default_rng(5)))[0]
    if type(flow).sample is Flow.sample or np.allclose(drawn, pushed, rtol=1e-9, atol=0):
        report.add(6, "flow: sample is z_to_x of the base's", 0, 0)


def check_nll(report: Report, flow: Flow, x: Array, rng: np.random.Generator) -> None:
    """Add: nll is the mean of −log_prob, grad its gradient in θ, set anew by each call."""
    where = place(flow, "nll")
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


def check_score(
    report: Report, name: str, of: Any, x: Array, rng: np.random.Generator, flow: Flow | None = None
) -> None:
    """Add: score is the gradient of log_prob, row by row, and leaves a flow's grad as it is."""
    where = place(of, "score")
    kept = None
    if flow is not None:
        flow.grad[:] = rng.standard_normal(flow.grad.size)
        kept = np.array(flow.grad)
    given = np.asarray(of.score(x.copy()))
    if flow is not None and kept is not None and kept.size:
        words = "score changes the flow's grad: put it back, only nll sets it"
        changed = float(abs(flow.grad - kept).max())
        report.add(5, f"{name}: grad untouched", changed, 0, "score", words, where=where)
    if given.shape != x.shape:
        report.fail(5, name, "score", f"score is of shape {given.shape}, expected {x.shape}", where=where)
        return
    twin = None if flow is None else flow.astype(np.complex128)

    def values(v: Array) -> Array:
        called = twin if twin is not None and np.iscomplexobj(v) else of
        return np.asarray(guarded(called.log_prob, v))[:, None]

    derivative = Derivative(values, x, spread(x), rng, points=True)
    D, unsure = (a[:, 0] for a in derivative.jacobian())
    size = np.maximum(abs(D), (abs(D) * spread(x)).max(axis=1, keepdims=True) / spread(x)) + 1e-3 / spread(x)
    tolerance = 1e-9 * size + np.where(np.isfinite(unsure), unsure, np.inf)
    if not np.isfinite(unsure).all():
        report.leave_out(f"{np.count_nonzero(~np.isfinite(unsure))} entries of {name}: kinks or lost digits")
        tolerance = np.where(np.isfinite(unsure), tolerance, np.finfo(float).max)
    words = "score is not the gradient of log_prob"
    if np.allclose(given, -D, rtol=1e-6, atol=1e-6 * abs(D).max()):
        words += ": its sign is flipped"
    report.compare(
        5, f"{name} ({derivative.method})", given, D, tolerance, size, cause="score", words=words, where=where
    )


def check_density(report: Report, flow: Flow, proposal: Proposal | None, rng: np.random.Generator) -> None:
    """Add: the flow's density integrates to one, and its samples follow it; the layers carry the proposal along."""
    if proposal is None:
        report.leave_out("the flow's density: its base has none that could be judged")
        return
    z, log_q = proposal.draw(COUNT // 5, rng)
    kept = density_or_zero(flow.base, z) > 1e-300  # the layers need not take what the base never draws
    parts = [flow.bijection.z_to_x(part)[:2] for part in np.array_split(z[kept], 8) if len(part)]
    points, log_det = (np.concatenate([part[i] for part in parts]) for i in (0, 1))
    weights = density_or_zero(flow, points) * np.exp(log_det - log_q[kept])
    inside = np.isfinite(points).all(axis=1) & np.isfinite(weights)
    share = len(points) / len(z)
    likely = density_or_zero(flow.base, z[kept]) * np.exp(-log_q[kept])
    if likely[~brought_back(flow, points, z[kept], spread(z[kept]))].sum() > LOST * likely.sum():
        report.leave_out("the flow's density: its layers lose digits, or refuse what they made, at too many points")
        return
    x = np.concatenate([flow.sample(COUNT // 40, rng) for _ in range(8)])
    where = place(flow, "sample")
    if type(flow).sample is not Flow.sample:
        pushed = np.concatenate([flow.bijection.z_to_x(flow.base.sample(COUNT // 40, rng))[0] for _ in range(8)])
        ones = np.ones(len(pushed))
        check_shares(report, "flow", x, pushed, ones, "direction", where, rng, "z_to_x of the base's")
    points, weights = points[inside], weights[inside] * share
    if check_normalized(report, "flow", weights, "direction", place(flow, "log_prob")):
        check_shares(report, "flow", x, points, weights, "direction", where, rng)


def comes_back(report: Report, flow: Flow, rng: np.random.Generator) -> bool:
    """Return whether samples of the flow come back to their latents: a density of others cannot be judged."""
    z = flow.base.sample(COUNT // 100, rng)
    lost = 1 - brought_back(flow, flow.bijection.z_to_x(z)[0], z, spread(z)).mean()
    if lost > LOST:
        report.leave_out(f"the flow's density: {lost:.1%} of its samples lose digits, or lie on the edge")
    return bool(lost <= LOST)


def brought_back(flow: Flow, x: Array, z: Array, unit: Array) -> Array:
    """Return which points x = f(z) the layers take back to z, to a thousandth of a unit."""
    try:
        back = guarded(flow.bijection.x_to_z, x)[0]
    except Trouble:
        if len(x) == 1:
            return np.zeros(1, dtype=bool)
        half = len(x) // 2
        parts = ((x[:half], z[:half]), (x[half:], z[half:]))
        return np.concatenate([brought_back(flow, *part, unit) for part in parts])
    return np.asarray((abs(back - z) <= 1e-3 * unit).all(axis=1))


def place(thing: Any, method: str) -> str:
    """Return the line where a method is written."""
    code = code_of(getattr(type(thing), method, None))
    return (
        f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}, {method}"
        if code
        else f"{method} of {type(thing).__name__}"
    )
