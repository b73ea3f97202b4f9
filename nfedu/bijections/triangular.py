"""Solving L(x) = z where L's Jacobian is triangular with a positive diagonal that L gives too: MintNet's inverse (N23).

A map here is `L(x) -> L(x), diagonal`, (N, n) both, each row on its own.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array

Triangular = Callable[[Array], tuple[Array, Array]]


def iterate(
    L: Triangular, z: Array, x: Array, goal: Array, step: float = 1.0, most: int = 100
) -> tuple[Array, Array, list[float]]:
    """Iterate x ← x + a (z − L(x))/diag; return x, which rows are not solved, and the residual of each round.

    `x`: where to start. `goal`, (N,): the residual at which a row is solved. At the solution the iteration's Jacobian
    is triangular with 1 − a on its diagonal: it converges from nearby for 0 < a < 2, at a = 1 faster than any geometric
    series. From far away it may not, and small steps take long: rows are given up after `most` rounds.
    """
    residuals = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(most):
            y, d = L(x)
            rest = z - y
            residuals.append(float(abs(rest).max()))
            if (abs(rest).max(axis=1) <= goal).all() or not np.isfinite(rest).all():
                break
            x = x + step * rest / d
        left = ~(abs(z - L(x)[0]).max(axis=1) <= goal)
    return x, left, residuals


def by_coordinates(L: Triangular, z: Array, low: Array, high: Array) -> Array:
    """Solve for one coordinate after the other: each is a monotone equation, whose solution [low, high] brackets.

    Newton's method, halving where it leaves the bracket, so that it always ends.
    """
    low, high = low.copy(), high.copy()
    x = (low + high) / 2
    for i in range(z.shape[1]):
        for _ in range(200):
            y, d = L(x)
            rest = z[:, i] - y[:, i]
            low[:, i] = np.where(rest > 0, x[:, i], low[:, i])
            high[:, i] = np.where(rest < 0, x[:, i], high[:, i])
            newton = x[:, i] + rest / d[:, i]
            inside = (newton > low[:, i]) & (newton < high[:, i])
            moved = np.where(rest == 0, x[:, i], np.where(inside, newton, (low[:, i] + high[:, i]) / 2))
            done = abs(moved - x[:, i]) <= 2 * np.finfo(z.dtype).eps * np.maximum(abs(moved), 1e-3)
            x[:, i] = moved
            if done.all():
                break
    return x


def imaginary_part(L: Triangular, z: Array, x: Array) -> Array:
    """Return x with the imaginary part that solves L(x) = z, given its real one: for complex steps.

    Imaginary parts are infinitesimal, so they solve a linear system: by forward substitution, which no transient growth
    spoils, and a second time.
    """
    x = x.astype(complex)
    for i in [*range(x.shape[1])] * 2:
        y, d = L(x)
        x[:, i] += 1j * ((z - y)[:, i] / d[:, i]).imag
    return x


def solve_transposed(product: Callable[[Array], Array], d: Array, g: Array) -> Array:
    """Return v with Jᵀ v = g, (N, n), from `product(v)` = Jᵀ v and the diagonal d of J.

    1 − Jᵀ/diag is nilpotent: n rounds are always enough.
    """
    v = g / d
    for _ in range(g.shape[1]):
        rest = g - product(v)
        v += rest / d
        if abs(rest).max() <= 10 * np.finfo(d.dtype).eps * abs(g).max():
            break
    return v
