"""A result has another shape or dtype."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Additive, Cholesky, Omega


class LogDetPerCoordinate(nfedu.Exp):
    """The log-det comes per coordinate, (N, n), instead of per point, (N,)."""

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, -z, backward  # wrong: -z.sum(axis=1)


class SinglePrecision(nfedu.Exp):
    """The output is cast to float32 and left so."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z.astype(np.float32), log_det, backward  # wrong: z


class KeepsDimensions(Omega):
    """A log-det of shape (N, 1): it broadcasts against (N,) to (N, N)."""

    def z_to_x(self, z):
        x, _, backward = super().z_to_x(z)
        return x, np.log(self.slope(z)).sum(axis=1, keepdims=True), backward  # wrong: no keepdims


class HalfAGradient(Additive):
    """backward returns the gradient of the part that passes alone."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g, l: self.split(backward(g, l))[0]  # wrong: backward(g, l)


class GradientOfARow(Cholesky):
    """The gradient of n numbers is left as a matrix of one row each, (N, n)."""

    def add(self, g_L, l):
        self.A.grad += np.tril(g_L, -1)
        self.log_d.grad = g_L * np.exp(self.log_d.value) + l  # wrong: += np.diag(g_L) * …
