"""Solving L(x) = z where L's Jacobian is triangular with a positive diagonal that L gives too: MintNet's inverse (N23).

A map here is `L(x) -> L(x), diagonal`, (N, n) both, each row on its own.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nfedu.arrays import Array

Triangular = Callable[[Array], tuple[Array, Array]]
ROUNDS = 200  # of Newton's method and halving, for a group of coordinates


def iterate(
    L: Triangular, z: Array, x: Array, goal: Array, step: float = 1.0, most: int = 100
) -> tuple[Array, Array, list[float]]:
    """Iterate x ← x + a (z − L(x))/diag; return x, which rows are not solved, and the residual of each round.

    `x`: where to start. `goal`, (N, n): the residual at which an entry is solved. At the solution the iteration's
    Jacobian is triangular with 1 − a on its diagonal: it converges from nearby for 0 < a < 2, at a = 1 faster than any
    geometric series. From far away it may not, and small steps take long: rows are given up after `most` rounds.
    """
    residuals: list[float] = []
    with np.errstate(over="ignore", invalid="ignore"):
        for _ in range(most):
            y, d = L(x)
            rest = z - y
            residuals.append(float(abs(rest).max()))
            if (abs(rest) <= goal).all() or not np.isfinite(rest).all():
                break
            x = x + step * rest / d
        solved = abs(z - L(x)[0]) <= goal
    return x, np.asarray(~solved.all(axis=1)), residuals


def by_coordinates(L: Triangular, z: Array, low: Array, high: Array, goal: Array, groups: Sequence[Array]) -> Array:
    """Solve for one group of coordinates after the other: monotone equations, whose solutions [low, high] brackets.

    `groups`: columns in an order such that each depends on itself and on those of earlier groups alone. `goal`: see
    `iterate`. Newton's method, halving the bracket instead where it would leave it, or where its steps do not halve: it
    may cycle. The last hundred of `ROUNDS` only halve, so that they are always enough: len(groups) · ROUNDS evaluations
    of L at most.
    """
    x = (low + high) / 2
    for group in groups:
        a, b, now = low[:, group], high[:, group], x[:, group]
        last, done = b - a, np.zeros(now.shape, bool)
        for k in range(ROUNDS):
            y, d = L(x)
            rest = (z - y)[:, group]
            a, b = np.where(rest > 0, now, a), np.where(rest < 0, now, b)
            step = rest / d[:, group]
            newton = now + step
            good = (newton > a) & (newton < b) & (abs(step) <= last / 2) & (k < ROUNDS - 100)
            done |= abs(rest) <= goal[:, group]
            moved = np.where(done, now, np.where(good, newton, (a + b) / 2))
            last = abs(moved - now)
            done |= last <= 2 * np.finfo(z.dtype).eps * np.maximum(abs(moved), 1e-3)
            x[:, group] = now = moved
            if done.all():
                break
    return x


def imaginary_part(L: Triangular, z: Array, x: Array, groups: Sequence[Array]) -> Array:
    """Return x with the imaginary part that solves L(x) = z, given its real one: for complex steps.

    Imaginary parts are infinitesimal, so they solve a linear system: by forward substitution, group after group as in
    `by_coordinates`, which no transient growth spoils, and a second time.
    """
    x = x.astype(complex)
    for group in [*groups] * 2:
        y, d = L(x)
        x[:, group] += 1j * ((z - y)[:, group] / d[:, group]).imag
    return x


def solve_transposed(product: Callable[[Array], Array], d: Array, g: Array) -> Array:
    """Return v with Jᵀ v = g, (N, n), from `product(v)` = Jᵀ v and the diagonal d of J (B7).

    1 − Jᵀ/diag is nilpotent: n rounds are always enough, and fewer when no entry moves but by its own rounding.
    """
    v = g / d
    for _ in range(g.shape[1]):
        moved = (g - product(v)) / d
        v += moved
        if (abs(moved) <= 10 * np.finfo(d.dtype).eps * abs(v)).all():
            break
    return v
