"""Numerical derivatives that know nothing of the code they judge: the complex step and central differences.

Both take a function of a real vector (or of a batch whose rows do not interact) and change one entry at a time.

The complex step: f(x + ih) = f(x) + ih f'(x) + O(h²), so f'(x) = Im f(x + ih)/h. Nothing is subtracted, nothing
cancels, and h may be 1e-30: the derivative comes out to machine precision (Squire & Trapp 1998). It needs f to be
complex-analytic along the branch taken. Central differences, (f(x + h) − f(x − h))/2h, need only real numbers; the
best h balances truncation, h²|f'''|/6, against rounding, ε|f|/h: with h ≈ (3ε)^⅓ max(1, |x|) ten digits are right.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array

COMPLEX_STEP = 1e-30
CENTRAL_STEP = (3 * np.finfo(np.float64).eps) ** (1 / 3)

Function = Callable[[Array], Array]


def complex_step(f: Function, x: Array, direction: Array) -> Array:
    """Return the derivative of `f` at `x` along `direction`, an array of x's shape; f must accept complex arrays."""
    return f(x + 1j * COMPLEX_STEP * direction).imag / COMPLEX_STEP


def central_difference(f: Function, x: Array, direction: Array) -> Array:
    """Return the derivative of `f` at `x` along `direction`, with the step that suits the entries it changes."""
    moved = direction != 0
    scale = max(1.0, abs(x[moved]).max(initial=0.0)) / max(abs(direction).max(), np.finfo(float).tiny)
    h = CENTRAL_STEP * scale
    return (f(x + h * direction) - f(x - h * direction)) / (2 * h)


METHODS = {"complex": complex_step, "central": central_difference}


def gradient(f: Callable[[Array], float], x: Array, method: str = "complex") -> Array:
    """Return ∂f/∂x of a number f(x), entry by entry, in the shape of `x`."""
    derivative = METHODS[method]
    result = np.zeros(x.shape)
    for index in np.ndindex(x.shape):
        direction = np.zeros(x.shape)
        direction[index] = 1
        result[index] = derivative(f, x, direction)  # type: ignore[arg-type]
    return result


def jacobians(f: Function, x: Array, method: str = "complex") -> Array:
    """Return the Jacobian of `f` at every row of a batch `x` (N, n), as (N, outputs, n): what N3 takes the det of.

    f maps (N, n) to (N, outputs), each row on its own: then one evaluation gives a column of all N Jacobians.
    """
    columns = []
    for j in range(x.shape[1]):
        direction = np.zeros(x.shape)
        direction[:, j] = 1
        columns.append(METHODS[method](f, x, direction))
    return np.stack(columns, axis=2)


def trusted_method(f: Function, x: Array, rng: np.random.Generator) -> str:
    """Return "complex" when `f` lets the complex step through at `x`, "central" when it does not.

    The two are compared along one random direction. A function that takes absolute values, casts to real or compares
    complex numbers fails here and is judged by central differences, which are rougher. Several steps are tried,
    each relative to the entry it changes: one across the kink of a ReLU is right for neither, one may leave the domain.
    """
    direction = rng.standard_normal(x.shape) * np.where(x == 0, 1, abs(x))
    try:
        with np.errstate(all="ignore"):
            by_complex = complex_step(f, x, direction)
    except Exception:  # whatever code that was never meant for complex numbers may do
        return "central"
    if not np.isfinite(by_complex).all():
        return "central"
    compared = False
    for h in (CENTRAL_STEP, 1e-6, 1e-7, 1e-8, 1e-9):
        try:
            central = (f(x + h * direction) - f(x - h * direction)) / (2 * h)
        except ValueError:  # a step out of the domain
            continue
        compared = True
        if np.allclose(by_complex, central, rtol=1e-5, atol=1e-5 * (1e-3 + abs(central).max())):
            return "complex"
    return "central" if compared else "complex"
