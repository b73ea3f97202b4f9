"""Digits are lost on the way."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import Affine, Algebraic, Omega


class SingleNetwork(Affine):
    """The network's outputs pass through float32 on the way back."""

    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        mu, alpha, net_backward = self.conditions(x_a)
        mu = mu.astype(np.float32).astype(x.dtype)  # wrong: no cast
        s = np.exp(-alpha)
        z_b = (x_b - mu) * s

        def backward(g, l):
            g_a, g_b = self.split(g)
            return self.join(g_a + net_backward(-g_b * s, -g_b * z_b - l[:, None]), g_b * s)

        return self.join(x_a, z_b), -alpha.sum(axis=1), backward


class SingleLogDet(Algebraic):
    """The log-det is added up in float32."""

    def z_to_x(self, z):
        x, _, backward = super().z_to_x(z)
        return x, np.log(self.slope(z)).sum(axis=1, dtype=np.float32).astype(np.float64), backward  # wrong: no dtype


class SingleGradient(Omega):
    """backward casts the gradient to float32, as a graphics card would like it."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g, l: backward(g.astype(np.float32).astype(float), l)  # wrong: g


class BoxCoxAsWritten(Bijection):
    """(e^{λz} − 1)/λ with λ = 10⁻⁶: the 1 takes ten digits of e^{λz} − 1 with it."""

    def __init__(self, n):
        self.n, self.p = n, 1e-6

    def z_to_x(self, z):
        e = np.exp(self.p * z)
        return (e - 1) / self.p, self.p * z.sum(axis=1), lambda g, l: g * e + self.p * l[:, None]  # wrong: np.expm1

    def x_to_z(self, x):
        u = 1 + self.p * x
        z = np.log1p(self.p * x) / self.p
        return z, -self.p * z.sum(axis=1), lambda g, l: (g - self.p * l[:, None]) / u
