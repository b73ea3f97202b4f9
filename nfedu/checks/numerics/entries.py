"""Gradients of several arrays at once by the complex step, and how far others are from them: for a quick look."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.plain import gradient
from nfedu.parameters import HasParameters, cast


def gradients(f: Callable[..., Any], *at: Array) -> list[Array]:
    """Return ∂f/∂each argument of a number f(*at), entry by entry, by the complex step."""
    return [gradient(lambda v, i=i: f(*at[:i], v, *at[i + 1 :]), at[i]) for i in range(len(at))]  # type: ignore[misc]


def parameter_gradients(loss: Callable[[Any], Any], module: HasParameters) -> list[Array]:
    """Return ∂loss(module)/∂every parameter of a network or layer, in their order, by the complex step.

    `loss` is given a copy with complex parameters; the module itself is not touched.
    """
    twin, found = cast(module, complex), []
    for p in twin.parameters().values():
        kept = p.value

        def moved(value: Array, p: Any = p) -> Any:
            p.value = value.astype(complex)
            return loss(twin)

        found.append(gradient(moved, kept.real))
        p.value = kept
    return found


def worst_difference(got: Iterable[Any], expected: Iterable[Any]) -> float:
    """Return the largest |difference| of entries of arrays, in pairs, NaN if one is; ValueError for unequal shapes."""
    worst = 0.0
    for a, b in zip(got, expected, strict=True):
        a, b = np.asarray(a), np.asarray(b)
        if a.shape != b.shape:
            raise ValueError(f"worst_difference: shapes {a.shape} and {b.shape}, expected equal ones")
        worst = float(np.maximum(worst, abs(a - b).max()))  # which, unlike max, lets a NaN be seen
    return worst
