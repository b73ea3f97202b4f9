"""The check ladder of a flow: its base alone first, then its layers, then what it makes of both."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.normalization.base import in_mode
from nfedu.checks.flows.base import check_base
from nfedu.checks.flows.integral import check_integral
from nfedu.checks.flows.nll import check_nll
from nfedu.checks.flows.score import check_score
from nfedu.checks.flows.use import check_use
from nfedu.checks.flows.whole import check_density, comes_back
from nfedu.checks.ladder.bijection import examine
from nfedu.checks.probes.taken import taken
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble, guarded, quiet
from nfedu.checks.subject.subject import Subject
from nfedu.flow import Flow


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
