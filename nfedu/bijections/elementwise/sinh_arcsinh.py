"""A map of the line that learns skewness and the weight of its tails (N2)."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.elementwise.base import Elementwise
from nfedu.bijections.elementwise.functions import log_cosh
from nfedu.parameters import Parameter, named


class SinhArcsinh(Elementwise):
    r"""x = sinh((arcsinh z + ε)/δ): ε skews, δ < 1 fattens the tails, δ > 1 thins them (Jones & Pewsey 2009, eq. 1).

    z_to_x: with u = (arcsinh z + ε)/δ,  x = sinh u,  log|dx/dz| = log cosh u − log δ − ½ log(1 + z²)
    x_to_z: with v = δ arcsinh x − ε,    z = sinh v,  log|dz/dx| = log cosh v + log δ − ½ log(1 + x²)

    Learned: `epsilon` and `log_delta` = log δ, shapes (n,). `skew` = ε and `tail` = δ > 0: numbers or (n,).
    """

    def __init__(self, n: int, skew: Any = 0.0, tail: Any = 1.0) -> None:
        super().__init__(n)
        delta = self.per_coordinate(tail, "tail")
        if (delta <= 0).any():
            raise ValueError(f"SinhArcsinh: tail = {delta}, expected δ > 0; 1 leaves the tails as they are")
        self.epsilon = Parameter(self.per_coordinate(skew, "skew"))
        self.log_delta = Parameter(np.log(delta))

    @property
    def skew(self) -> Array:
        """The skews ε, (n,)."""
        return self.epsilon.value

    @property
    def tail(self) -> Array:
        """The tail weights δ, (n,)."""
        return np.exp(self.log_delta.value)

    def z_to_x(self, z: Array) -> Mapped:
        """Skew and reshape the tails."""
        z, delta = as_batch(z, self.n, self, "z"), self.tail
        u = (np.arcsinh(z) + self.skew) / delta
        log_slope = log_cosh(u) - self.log_delta.value - 0.5 * np.log(1 + z**2)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_slope = g_log_det[:, None]
            g_u = g_x * np.cosh(u) + g_slope * np.tanh(u)
            self.epsilon.grad += (g_u / delta).sum(axis=0)
            self.log_delta.grad -= (g_u * u + g_slope).sum(axis=0)
            return g_u / (delta * np.sqrt(1 + z**2)) - g_slope * z / (1 + z**2)

        return np.sinh(u), log_slope.sum(axis=1), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Undo it."""
        x, delta = as_batch(x, self.n, self, "x"), self.tail
        w = np.arcsinh(x)
        v = delta * w - self.skew
        log_slope = log_cosh(v) + self.log_delta.value - 0.5 * np.log(1 + x**2)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_slope = g_log_det[:, None]
            g_v = g_z * np.cosh(v) + g_slope * np.tanh(v)
            self.epsilon.grad -= g_v.sum(axis=0)
            self.log_delta.grad += (g_v * delta * w + g_slope).sum(axis=0)
            return g_v * delta / np.sqrt(1 + x**2) - g_slope * x / (1 + x**2)

        return np.sinh(v), log_slope.sum(axis=1), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return ε and log δ."""
        return named(epsilon=self.epsilon, log_delta=self.log_delta)
