"""Scalar maps (N2), each applied to every coordinate: the Jacobian is diagonal, log|det| a sum over coordinates."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from nfedu.analytic import sigmoid, softplus
from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Mapped
from nfedu.parameters import Parameter, named


class Elementwise(Bijection):
    """What all scalar maps share: a dimension n, and a Jacobian with zeros off its diagonal."""

    def __init__(self, n: int) -> None:
        self.n = as_dimension(n, self)

    def per_coordinate(self, value: Any, letter: str) -> Array:
        """Return a scalar or n numbers as a finite float array of shape (n,), or raise ValueError."""
        value = np.asarray(value, dtype=np.float64)
        if value.shape not in ((), (self.n,)) or not np.isfinite(value).all():
            raise ValueError(
                f"{type(self).__name__}: {letter} = {value} with shape {value.shape}, "
                f"expected a finite number or {self.n} of them, one per coordinate"
            )
        return np.broadcast_to(value, self.n).copy()

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return zeros off the diagonal, for both directions."""
        pattern = np.where(np.eye(self.n), np.nan, 0.0)
        return pattern, pattern


class Exp(Elementwise):
    """x_i = e^{z_i}, z_i = log x_i for x_i > 0; log|det ∂x/∂z| = Σ z_i, and its negative on the way back."""

    def z_to_x(self, z: Array) -> Mapped:
        """Exponentiate."""
        z = as_batch(z, self.n, self, "z")
        x = np.exp(z)
        return x, z.sum(axis=1), lambda g_x, g_log_det: g_x * x + g_log_det[:, None]

    def x_to_z(self, x: Array) -> Mapped:
        """Take the logarithm; a ValueError for x ≤ 0."""
        x = as_batch(x, self.n, self, "x")
        check_inside(x, 0.0, np.inf, self, "remove such points, or shift the data")
        z = np.log(x)
        return z, -z.sum(axis=1), lambda g_z, g_log_det: (g_z - g_log_det[:, None]) / x


class Sinh(Elementwise):
    """x_i = sinh z_i, z_i = arcsinh x_i: near 0 the identity, far out an exponential to either side.

    log|det ∂x/∂z| = Σ log cosh z_i, and its negative on the way back, where it is ½ Σ log(1 + x_i²).
    """

    def z_to_x(self, z: Array) -> Mapped:
        """Take the hyperbolic sine."""
        z = as_batch(z, self.n, self, "z")
        return np.sinh(z), log_cosh(z).sum(axis=1), lambda g_x, g: g_x * np.cosh(z) + g[:, None] * np.tanh(z)

    def x_to_z(self, x: Array) -> Mapped:
        """Take the inverse."""
        x = as_batch(x, self.n, self, "x")
        z = np.arcsinh(x)
        return z, -log_cosh(z).sum(axis=1), lambda g_z, g: g_z / np.cosh(z) - g[:, None] * np.tanh(z) / np.cosh(z)


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


class Logit(Elementwise):
    r"""z = logit(λ + (1 − 2λ) x): data in [0, 1], such as pixels, to the whole line; λ is the `margin`.

    z_to_x: x = (σ(z) − λ)/(1 − 2λ),       log|dx/dz| = log σ(z) + log σ(−z) − log(1 − 2λ)
    x_to_z: z = log p − log(1 − p) with p = λ + (1 − 2λ) x, and the negative of that log-det

    With λ = 0.05 this is RealNVP's logit(.05 + .9x) (Dinh et al. 2016, section 4.1). With λ = 0 the map z→x is the
    logistic function, onto (0, 1). Nothing learned. Raises ValueError for λ outside [0, ½) and for p outside (0, 1).
    """

    def __init__(self, n: int, margin: float = 0.05) -> None:
        super().__init__(n)
        if not 0 <= margin < 0.5:
            raise ValueError(f"Logit: margin = {margin}, expected 0 ≤ margin < 0.5")
        self.margin = float(margin)
        self.width = 1 - 2 * self.margin

    def z_to_x(self, z: Array) -> Mapped:
        """Squash the line into the interval."""
        z = as_batch(z, self.n, self, "z")
        p, q = sigmoid(z), sigmoid(-z)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            return g_x * p * q / self.width + g_log_det[:, None] * (q - p)

        log_slope = -softplus(-z) - softplus(z) - math.log(self.width)
        return (p - self.margin) / self.width, log_slope.sum(axis=1), backward

    def x_to_z(self, x: Array) -> Mapped:
        """Open the interval to the line."""
        x = as_batch(x, self.n, self, "x")
        low, high = 0.0 - self.margin / self.width, (1 - self.margin) / self.width
        check_inside(
            x, low, high, self, "scale the data to [0, 1] first; for pixels datasets.dequantise does it, with levels="
        )
        p = self.margin + self.width * x
        q = (1 - self.margin) - self.width * x

        def backward(g_z: Array, g_log_det: Array) -> Array:
            return (g_z + g_log_det[:, None] * (p - q)) * self.width / (p * q)

        z = np.log(p) - np.log(q)
        log_slope = math.log(self.width) - np.log(p) - np.log(q)
        return z, log_slope.sum(axis=1), backward


def log_cosh(u: Array) -> Array:
    """Return log cosh u = softplus(2u) − u − log 2, without overflow."""
    return softplus(2 * u) - u - math.log(2)


def check_inside(x: Array, low: float, high: float, owner: object, hint: str) -> None:
    """Raise ValueError unless low < x < high everywhere (real parts)."""
    outside = (x.real <= low) | (x.real >= high)
    if outside.any():
        row, column = np.argwhere(outside)[0]
        raise ValueError(
            f"{type(owner).__name__}: x[{row}, {column}] = {x[row, column]:.6g} lies outside the domain, expected "
            f"{low:.6g} < x < {high:.6g} ({np.count_nonzero(outside)} of {x.size} entries are outside); {hint}"
        )
