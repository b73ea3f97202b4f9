"""Right numbers in another order: a matrix transposed, columns exchanged."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import CLOSE, Diagnosis
from nfedu.checks.diagnosis.versions import Gradients


def of_transpose(g: Gradients) -> Diagnosis | None:
    """Return whether a matrix is transposed: the parameter, or the Jacobian of the input."""
    if g.y is not None:
        given, expected = g.given[:, :-1], g.expected[:, :-1].swapaxes(1, 2)
        tolerance = np.maximum(g.tolerance[:, :-1], g.tolerance[:, :-1].swapaxes(1, 2))
    elif g.given.ndim == 4 and g.given.shape[2] == g.given.shape[3] > 1:
        given, expected = g.given, g.expected.swapaxes(2, 3)
        tolerance = np.maximum(g.tolerance, g.tolerance.swapaxes(2, 3))
    else:
        return None
    if given.shape[2] > 1 and (abs(given - expected) <= 10 * tolerance + CLOSE * abs(expected)).all():
        if g.y is not None and permutes(g.expected[:, :-1]):
            return Diagnosis(
                "permuted", "backward exchanges the columns as the map does: the inverse permutation belongs there"
            )
        words = (
            "g @ W where g @ W.T belongs, or the other way round"
            if g.y is not None
            else "h.T @ g where the code has g.T @ h"
        )
        return Diagnosis("transposed", f"a matrix is transposed: {words}")
    return None


def of_two_uses(g: Gradients) -> Diagnosis | None:
    """Return whether a square parameter S is used twice, as S ± Sᵀ, and one of the two gradients is missing."""
    if g.y is not None or g.given.ndim != 4 or g.given.shape[2] != g.given.shape[3]:
        return None
    other = g.given.swapaxes(2, 3)
    tolerance = np.maximum(g.tolerance, g.tolerance.swapaxes(2, 3))
    for sum_of_both, letters in ((g.given - other, "S − Sᵀ"), (g.given + other, "S + Sᵀ")):
        if (abs(sum_of_both - g.expected) <= 10 * tolerance + CLOSE * abs(g.expected)).all():
            return Diagnosis("path-missing", f"one of two uses is missing: the map has {letters} of this parameter")
    return None


def of_permutation(g: Gradients) -> Diagnosis | None:
    """Return the order of the last axis' columns in which given and expected agree, if there is one."""
    k = g.given.shape[-1]
    if g.given.ndim < 3 or not 2 <= k <= 64:
        return None
    given, expected = (np.moveaxis(a, -1, 0).reshape(k, -1) for a in (g.given, g.expected))
    tolerance = np.moveaxis(g.tolerance, -1, 0).reshape(k, -1).max(axis=0)
    order = matched(given, expected, tolerance)
    if order is None:
        return None
    return Diagnosis("permuted", f"columns are exchanged: column i of the gradient is column {order} of the right one")


def permutes(J: Array) -> bool:
    """Return whether every Jacobian is a permutation of the coordinates, up to scales."""
    entries = abs(J) > CLOSE * abs(J).max()
    return bool((entries.sum(axis=1) == 1).all() and (entries.sum(axis=2) == 1).all())


def matched(given: Array, expected: Array, tolerance: Array) -> list[int] | None:
    """Return for each row of `given` (k, M) the row of `expected` that it equals, each used once, not all in place."""
    order: list[int] = []
    for row in given:
        same = (abs(row - expected) <= 10 * tolerance + CLOSE * abs(expected)).all(axis=1)
        free = [int(i) for i in np.flatnonzero(same) if i not in order]
        if not free:
            return None
        order.append(free[0])
    return None if order == list(range(len(order))) else order
