"""The two Jacobians of a layer: the one that its map has, by numbers, and the one that its backward believes in.

`backward` is linear, so a unit vector for g_out gives a row of the Jacobian that it multiplies with, and g_log_det = 1
gives the gradient of the log-det. Where the two Jacobians differ, their matrices say how: a sign, a transpose, a block.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward
from nfedu.bijections.normalization.base import in_mode
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.plain import EPS
from nfedu.checks.numerics.units import spread
from nfedu.checks.subject.subject import Subject
from nfedu.parameters import cast

BLUR = 30.0  # times the blur of its arguments: what a result may lose by them


def analytic_jacobians(layer: Any, direction: str, x: Array) -> tuple[Array, Array]:
    """Return the Jacobians by which `backward` multiplies at every row of `x` (N, n): ∂out/∂in and ∂log_det/∂in.

    Shapes (N, n, n), output i by input j, and (N, n). `direction` is "z_to_x" or "x_to_z". Rows must be on their own.
    The parameters' `grad` stay as they are. Compare with `layer_jacobians`, which differentiates the map itself.
    """
    subject = Subject(layer)
    backward = subject.call(direction, np.asarray(x))[2]
    return from_backward(subject, backward, np.asarray(x).shape)


def from_backward(subject: Subject, backward: Backward, shape: tuple[int, ...]) -> tuple[Array, Array]:
    """Return what unit vectors make of a backward: (N, n, n), output by input, and (N, n)."""
    N, n = shape
    J = np.zeros((N, n, n))
    for i in range(n):
        g = np.zeros(shape)
        g[:, i] = 1
        J[:, i] = subject.gradients(backward, g, np.zeros(N))[0]
    return J, subject.gradients(backward, np.zeros(shape), np.ones(N))[0]


@dataclass(frozen=True)
class Numerical:
    """A map's Jacobians at every row of a batch, each entry with its uncertainty, infinite where it is not known."""

    J: Array  # ∂out_i/∂in_j, (N, n, n)
    of_log_det: Array  # ∂log_det/∂in_j, (N, n)
    unsure: Array  # of J
    unsure_log_det: Array
    method: str
    steps: bool  # whether some output is a staircase

    @property
    def sizes(self) -> Array:
        """|J|, (N, n, n)."""
        return abs(self.J)

    def blur(self, end: Array, unit: Array) -> Array:
        """Return how far each input can move, in its unit, before any output moves by its own rounding, (N, n).

        Where 1/(1 + e⁻ᶻ) rounds to nearly 1, that is far. What a layer computes from such an x, log(x(1 − x)) say, is a
        staircase of that width in z; the output with the most digits counts. Infinite where no output moves.
        """
        with np.errstate(divide="ignore", invalid="ignore"):
            reach = EPS * abs(end)[:, :, None] / (abs(self.J) * unit[:, None])
        return np.asarray(np.where(self.J == 0, np.inf, reach).min(axis=1))


def numerical_jacobians(
    subject: Subject, direction: str, y: Array, scale: Array, rng: np.random.Generator, cautious: bool = False
) -> Numerical:
    """Differentiate a direction of a layer at every row of `y` (N, n), coordinate by coordinate.

    `cautious` holds each complex step against central differences.
    """
    known = subject.analytic.get(direction)
    derivative = Derivative(lambda v: subject.values(direction, v), y, scale, rng, points=True, known=known)
    subject.analytic.setdefault(direction, derivative.analytic)
    derivative.cautious = cautious
    n = y.shape[1]
    found, unsure = derivative.jacobian()
    return Numerical(
        found[:, :n], found[:, n], unsure[:, :n], unsure[:, n], derivative.method, bool(derivative.values.steps.any())
    )


def layer_jacobians(layer: Any, direction: str, y: Array) -> tuple[Array, str]:
    """Return the dense Jacobian of "z_to_x" or "x_to_z" at every row of `y`, (N, n, n), and the method used.

    The map is differentiated, its backward is not asked. A row's Jacobian needs rows that stay on their own: of a layer
    whose rows mix it is that with the statistics held.
    """
    twin = cast(layer, np.float64)
    with in_mode("evaluation", twin):
        found = numerical_jacobians(Subject(twin), direction, y, spread(y), np.random.default_rng(0))
    return found.J, found.method
