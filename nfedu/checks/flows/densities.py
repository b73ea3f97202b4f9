"""A density on a grid, in one and two dimensions, and what a grid says of it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from nfedu.arrays import Array
from nfedu.distributions import Distribution

CHUNK = 4096  # points evaluated at a time: the activations of a small network stay in the cache


class Grid(NamedTuple):
    """A density on the midpoints of a regular grid over a box, with its midpoint-rule integral."""

    axes: list[Array]  # the midpoints along each coordinate
    density: Array  # one axis a coordinate, in their order
    integral: float


def density_on_grid(distribution: Distribution, low: ArrayLike, high: ArrayLike, points: ArrayLike = 400) -> Grid:
    """Evaluate exp(log_prob) at the midpoints of `points` cells along each side of the box [low, high], n = 1 or 2.

    With one row of N4's determinant left out (M1) the integral is not 1.
    """
    n = distribution.n
    if n > 2:
        raise ValueError(f"density_on_grid: n = {n}, expected 1 or 2; a grid in more dimensions has too many points")
    low, high = np.broadcast_to(low, n).astype(float), np.broadcast_to(high, n).astype(float)
    cells = np.broadcast_to(points, n)
    if not (low < high).all() or (cells < 2).any():
        raise ValueError(
            f"density_on_grid: low = {low}, high = {high}, points = {cells}; expected low < high, points ≥ 2"
        )
    cell = (high - low) / cells
    axes = [low[i] + cell[i] * (np.arange(cells[i]) + 0.5) for i in range(n)]
    x = np.stack([a.ravel() for a in np.meshgrid(*axes, indexing="ij")], axis=1)
    log_p = np.concatenate([distribution.log_prob(x[i : i + CHUNK]) for i in range(0, len(x), CHUNK)])
    density = np.exp(log_p.astype(np.float64)).reshape(cells)
    return Grid(axes, density, float(density.sum() * cell.prod()))


def density_or_zero(distribution: Distribution, x: Array) -> Array:
    """Return p(x), 0 for points outside the distribution's domain, which raise ValueError in `log_prob`."""
    try:
        return np.exp(distribution.log_prob(x))
    except ValueError:
        if len(x) == 1:
            return np.zeros(1)
        half = len(x) // 2
        return np.concatenate([density_or_zero(distribution, part) for part in (x[:half], x[half:])])


def misfit(samples: Array, distribution: Distribution, low: ArrayLike, high: ArrayLike, cells: int = 12) -> float:
    """Return how badly samples (N, 2) fit a density: Pearson's χ² over a grid of cells, in standard deviations.

    Counts in `cells` × `cells` cells of the box and outside are held against N times the mass there, by the midpoint
    rule. If they fit, this is nearly N(0, 1): χ² has the mean k and the variance 2k, for k cells more than one.
    """
    fine = 8  # a cell's side is so many of the grid's
    (left, bottom), (right, top) = np.broadcast_to(low, 2), np.broadcast_to(high, 2)
    edges = [np.linspace(left, right, cells + 1), np.linspace(bottom, top, cells + 1)]
    counts = np.histogram2d(samples[:, 0], samples[:, 1], bins=edges)[0].ravel()
    grid = density_on_grid(distribution, low, high, cells * fine)
    area = (right - left) * (top - bottom) / grid.density.size
    masses = grid.density.reshape(cells, fine, cells, fine).sum(axis=(1, 3)).ravel() * area
    expected = len(samples) * np.append(masses, max(1 - masses.sum(), 1 / len(samples)))
    found = np.append(counts, len(samples) - counts.sum())
    k = len(masses)
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.where((found == 0) & (expected == 0), 0.0, (found - expected) ** 2 / expected)
    return float((terms.sum() - k) / np.sqrt(2 * k))


def level_area(masses: Array, cell: float) -> float:
    """Return E_p[A(x)], A(x) the area where p exceeds p(x), of a density that has `masses` on cells of one size `cell`.

    What a map that preserves volume cannot change: a flow of such maps over N(0, I) in the plane has a mean negative
    log-likelihood of at least log 2π + E_p[A]/2π, and with a free overall scale of at least 1 + log E_p[A] (lesson 03).
    """
    falling = np.sort(np.ravel(masses))[::-1] / np.sum(masses)
    return float((falling * (np.arange(falling.size) + 0.5)).sum() * cell)
