"""Functions of the line as layers that learn nothing (N2): to where a column of data lives, and back."""

from __future__ import annotations

import math

import numpy as np

from nfedu.analytic import sigmoid, softplus
from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.elementwise.base import Elementwise


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
