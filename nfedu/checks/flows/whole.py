"""A flow's density as a whole: it integrates to one, and the samples follow it, where the layers lose no digits."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.flows.base import COUNT
from nfedu.checks.flows.densities import density_or_zero
from nfedu.checks.flows.proposal import Proposal
from nfedu.checks.flows.shares import check_normalized, check_shares
from nfedu.checks.numerics.units import spread
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.lines import place_of
from nfedu.flow import Flow

LOST = 1e-3  # of the points, that the layers refuse or do not bring back


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
    where = place_of(flow, "sample")
    if type(flow).sample is not Flow.sample:
        pushed = np.concatenate([flow.bijection.z_to_x(flow.base.sample(COUNT // 40, rng))[0] for _ in range(8)])
        ones = np.ones(len(pushed))
        check_shares(report, "flow", x, pushed, ones, "direction", where, rng, "z_to_x of the base's")
    points, weights = points[inside], weights[inside] * share
    if check_normalized(report, "flow", weights, "direction", place_of(flow, "log_prob")):
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
