"""Do samples follow a density? Shares of samples in many half-spaces and balls, against importance weights.

All sets A are chosen in whitened units, from samples of their own; each share has a standard error, and the largest |z|
decides, with a Bonferroni correction.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.flows.proposal import Proposal, enough
from nfedu.checks.reports.report import Report

P_VALUE = 1e-6
CUTS = (5.0, 50.0, 500.0)
LEVELS = np.array([0.02, 0.1, 0.25, 0.4, 0.5, 0.6, 0.75, 0.9, 0.98])


def check_normalized(report: Report, name: str, weights: Array, cause: str, where: str) -> bool:
    """Add: the mean weight is 1, the integral of a density; return whether the weights can carry other questions."""
    mean, error = float(weights.mean()), float(weights.std() / np.sqrt(len(weights)))
    off = abs(mean - 1)
    for most in CUTS:  # E[min(w, c)] is at most the integral, and has a small error
        cut = np.minimum(weights, most)
        least, error_of_it = float(cut.mean()), float(cut.std() / np.sqrt(len(cut)))
        if least - 5.5 * error_of_it > 1.001:
            words = f"log_prob integrates to {least:.4g} or more: a density integrates to 1"
            return report.add(
                6, f"{name}: integral by importance weights", least - 1, 5.5 * error_of_it, cause, words, where=where
            )
    if not enough(weights):
        report.leave_out(f"the density of the {name}: too few points carry its integral")
        return False
    words = f"log_prob integrates to {mean:.4g} ± {error:.2g}: a density integrates to 1"
    return report.add(6, f"{name}: integral by importance weights", off, 5.5 * error + 1e-3, cause, words, where=where)


def check_shares(
    report: Report,
    name: str,
    samples: Array,
    points: Array,
    weights: Array,
    cause: str,
    where: str,
    rng: np.random.Generator,
    law: str = "log_prob",
) -> None:
    """Add: the samples' shares in half-spaces and balls are those of weighted `points`, as −log of a p-value.

    `law` is what the points are weighted for, as a report calls it.
    """
    from scipy.special import log_ndtr

    third = len(samples) // 3
    scale = Proposal(samples[:third], rng)
    chosen, counted = scale.white(samples[:third]), scale.white(samples[third:])
    others = scale.white(points)
    n = samples.shape[1]
    directions = rng.standard_normal((n, 16))
    directions = np.concatenate([np.eye(n)[:, :16], directions / np.linalg.norm(directions, axis=0)], axis=1)
    centres = chosen[rng.choice(third, 12, replace=False)]

    def statistics(y: Array) -> Array:
        squares = (y**2).sum(axis=1)[:, None]
        distances = squares + (centres**2).sum(axis=1) - 2 * y @ centres.T
        return np.concatenate([y @ directions, distances, squares], axis=1)

    edges = np.quantile(statistics(chosen), LEVELS, axis=0)  # (levels, statistics)
    of_samples, of_points = statistics(counted), statistics(others)
    worst, what = 0.0, ""
    for j in range(edges.shape[1]):
        for edge in edges[:, j]:
            share = (of_samples[:, j] <= edge).mean()
            part = weights * (of_points[:, j] <= edge)
            variance = max(share * (1 - share), 1 / len(counted)) / len(counted) + part.var() / len(part)
            z = abs(share - part.mean()) / np.sqrt(variance)
            if z > worst:
                kind = "half-space" if j < directions.shape[1] else "ball"
                worst, what = z, f"a {kind} has {share:.2%} of the samples, {part.mean():.2%} of {law}"
    log_p = float(min(0.0, np.log(2 * edges.size) + log_ndtr(-worst)))
    words = f"{what}: |z| = {worst:.1f}, the largest of {edges.size}; sample and {law} describe different distributions"
    quantity = f"{name}: samples against {law} in {edges.size} sets, p = {np.exp(log_p):.2g}"
    report.add(6, quantity, abs(log_p), -np.log(P_VALUE), cause, words, where=where)
