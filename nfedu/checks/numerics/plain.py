"""Plain numerical derivatives, which know nothing of the code they judge: complex step and central differences.

The complex step: f(x + ih) = f(x) + ih f'(x) + O(h²), so f'(x) = Im f(x + ih)/h. Nothing is subtracted, nothing
cancels, and h may be 1e-30: the derivative comes out to machine precision (Squire & Trapp 1998; B9). It needs f to be
complex-analytic along the branch taken. Central differences, (f(x + h) − f(x − h))/2h, need only real numbers; the
best h balances truncation, h²|f'''|/6, against rounding, ε|f|/h: with h ≈ (3ε)^⅓ max(1, |x|) ten digits are right.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array

EPS = float(np.finfo(np.float64).eps)
COMPLEX_STEP = 1e-30
CENTRAL_STEP = (3 * EPS) ** (1 / 3)
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

    f maps (N, n) to (N, outputs), each row on its own: then one evaluation, or for method = "central" two, gives a
    column of all N Jacobians.
    """
    columns = []
    for j in range(x.shape[1]):
        direction = np.zeros(x.shape)
        direction[:, j] = 1
        columns.append(METHODS[method](f, x, direction))
    return np.stack(columns, axis=2)
