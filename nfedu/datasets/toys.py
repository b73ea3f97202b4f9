"""Points in the plane whose shapes are hard for one thing or another: each function returns (count, 2).

All are centred near 0 with coordinates of order 1, so that a standard normal base is a fair start.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, as_count
from nfedu.distributions import GaussianMixture


def two_moons(count: int, rng: np.random.Generator, noise: float = 0.08) -> Array:
    """Two half circles that reach into each other: connected by nothing, so a flow must leave a thin bridge."""
    count = as_count(count, rng, "two_moons")
    angle = np.pi * rng.random(count)
    lower = rng.random(count) < 0.5
    moon = np.stack(
        [np.where(lower, 1 - np.cos(angle), np.cos(angle)), np.where(lower, 0.5 - np.sin(angle), np.sin(angle))]
    )
    return (moon.T - [0.5, 0.25]) * 1.3 + noise * rng.standard_normal((count, 2))


def rings(count: int, rng: np.random.Generator, noise: float = 0.06) -> Array:
    """Three concentric rings, each as dense as the others: a topology that no continuous map of a Gaussian has."""
    count = as_count(count, rng, "rings")
    angle = 2 * np.pi * rng.random(count)
    radius = rng.choice([0.6, 1.3, 2.0], size=count, p=np.array([0.6, 1.3, 2.0]) / 3.9)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1) + noise * rng.standard_normal((count, 2))


def eight_gaussians_density() -> GaussianMixture:
    """Return the mixture that `eight_gaussians` draws from: its log_prob is exact."""
    angle = np.arange(8) * np.pi / 4
    return GaussianMixture(2 * np.stack([np.cos(angle), np.sin(angle)], axis=1), 0.2**2)


def eight_gaussians(count: int, rng: np.random.Generator) -> Array:
    """Eight separate Gaussians on a circle of radius 2, σ = 0.2: modes to be lost."""
    return eight_gaussians_density().sample(count, rng)


def pinwheel(count: int, rng: np.random.Generator, arms: int = 5) -> Array:
    """Gaussians stretched along `arms` rays and twisted by their distance from the centre: long curved ridges."""
    count = as_count(count, rng, "pinwheel")
    radial = 1.2 + 0.35 * rng.standard_normal(count)
    across = 0.1 * rng.standard_normal(count)
    angle = 2 * np.pi * rng.integers(arms, size=count) / arms + np.exp(0.6 * radial - 0.6)
    return np.stack(
        [radial * np.cos(angle) - across * np.sin(angle), radial * np.sin(angle) + across * np.cos(angle)], axis=1
    )


def checkerboard(count: int, rng: np.random.Generator) -> Array:
    """Eight dark squares of a 4×4 board on [−2, 2]², uniform on each: edges everywhere."""
    count = as_count(count, rng, "checkerboard")
    column = rng.integers(4, size=count)
    row = 2 * rng.integers(2, size=count) + column % 2
    return np.stack([column, row], axis=1) - 2 + rng.random((count, 2))


def spiral(count: int, rng: np.random.Generator, noise: float = 0.05) -> Array:
    """Two arms wound about each other: far along the arm is near across it."""
    count = as_count(count, rng, "spiral")
    turn = 3 * np.pi * np.sqrt(rng.random(count))
    side = np.where(rng.random(count) < 0.5, 1, -1)
    arm = np.stack([np.cos(turn), np.sin(turn)], axis=1) * (side * turn)[:, None] / (3 * np.pi) * 2.2
    return arm + noise * rng.standard_normal((count, 2))


TOYS = {f.__name__: f for f in (two_moons, rings, eight_gaussians, pinwheel, checkerboard, spiral)}
