"""A base alone: its log_prob is a density, its samples follow it, its score is the gradient."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.checks.flows.densities import density_or_zero
from nfedu.checks.flows.proposal import Proposal, enough
from nfedu.checks.flows.score import check_score
from nfedu.checks.flows.seed import check_seed
from nfedu.checks.flows.shares import check_normalized, check_shares
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.lines import place_of

UNCOVERED = 0.01  # of the samples, that weigh more than any point of the proposal
CALLS = 100  # in which a base is asked for samples: what is drawn once a call must not count for all
COUNT = 200_000  # points, for a base; a flow takes fewer where it costs more


def check_base(report: Report, base: Any, rng: np.random.Generator) -> Proposal | None:
    """Add what a base must hold on its own; return the proposal that importance weights of it are taken from."""
    where = place_of(base, "sample")
    if not check_seed(report, "base", base.sample, base.n, where):
        return None
    z = np.concatenate([np.asarray(base.sample(COUNT // CALLS, rng), dtype=np.float64) for _ in range(CALLS)])
    log_p = np.asarray(base.log_prob(z[:50]))
    if log_p.shape != (50,) or not np.isfinite(log_p).all():
        what = (
            f"shape {log_p.shape}, expected (50,)" if log_p.shape != (50,) else "NaN or infinite where its samples lie"
        )
        report.fail(6, "base: log_prob", "base-density", f"log_prob is of {what}", where=place_of(base, "log_prob"))
        return None
    if hasattr(base, "score"):
        check_score(report, "base: score", base, z[:20], rng)
    for correlated in (True, False):
        proposal = Proposal(z, rng, correlated)
        points, log_q = proposal.draw(COUNT, rng)
        weights = density_or_zero(base, points) * np.exp(-log_q)
        if np.isnan(weights).any():
            report.fail(
                6, "base: log_prob", "base-density", "log_prob is NaN somewhere", where=place_of(base, "log_prob")
            )
            return None
        of_samples = density_or_zero(base, z[:5000]) * np.exp(-proposal.log_prob(z[:5000]))
        reached = (of_samples > weights.max()).mean() <= UNCOVERED
        if reached and enough(weights):
            break
    if not reached:
        report.leave_out("the density of the base: its samples lie where importance weights do not reach")
        return None
    if check_normalized(report, "base", weights, "base-density", place_of(base, "log_prob")):
        check_shares(report, "base", z, points, weights, "base-sampling", where, rng)
    return proposal
