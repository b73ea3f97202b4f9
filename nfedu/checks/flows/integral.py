"""Rung 6 in one and two dimensions: a density integrates to one."""

from __future__ import annotations

import numpy as np

from nfedu.checks.flows.densities import density_on_grid
from nfedu.checks.reports.report import Report
from nfedu.distributions import Distribution

INTEGRAL = 1e-3


def check_integral(
    report: Report, distribution: Distribution, rng: np.random.Generator, cause: str, count: int = 20_000
) -> None:
    """Add, for n ≤ 2: the integral over a box that some samples span, against the share of other samples in it.

    The box leaves out a part q of the samples at each end of each coordinate, the least q of a few for which the
    midpoint rule on a grid and on one half as fine agree and do not both miss a tenth of the mass: no grid covers heavy
    tails. A box with less than a tenth of the samples, as in the hole of a ring, is not asked: it could not tell.
    """
    inside, fresh = distribution.sample(count, rng), distribution.sample(count, rng)
    fine = {1: 4000, 2: 600}[distribution.n]
    share = error = tolerance = integral = np.nan
    for q in (0.0, 1e-3, 1e-2, 0.05, 0.15, 0.3):
        low, high = np.quantile(inside, [q, 1 - q], axis=0)
        held = ((fresh >= low) & (fresh <= high)).all(axis=1).mean()
        if held < 0.1:
            break
        share = held
        integral, coarser = (density_on_grid(distribution, low, high, cells).integral for cells in (fine, fine // 2))
        error, tolerance = abs(integral - share), INTEGRAL + 4 * np.sqrt(share * (1 - share) / count)
        if not (abs(integral - coarser) >= INTEGRAL or integral < 0.9 * share):
            break  # the grids agree, and do not both miss the mass; or one is NaN
    report.add(
        6,
        f"integral over {share:.2%} of the mass",
        error,
        tolerance,
        cause,
        f"the density integrates to {integral:.6g} where {share:.6g} of the samples lie",
    )
