"""A gradient is wrong in no simple pattern."""

import numpy as np

from tests.planted_bugs.right import Affine, LowRank, Scalar, Stretch


class SoftplusForSigmoid(Stretch):
    """s = softplus(a); its derivative is the sigmoid, here it is softplus again."""

    def f(self, a):
        return np.log(1 + np.exp(a))

    def log_slope(self, a):
        return np.ones(a.shape)  # wrong: sigmoid(a) / softplus(a)


class TanhNotSquared(Affine):
    """The network's tanh is differentiated as 1 − h, not 1 − h²."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, rng)
        self.net.phi_slope = lambda h: 1 - h  # wrong: 1 - h**2


class ProductRuleHalved(LowRank):
    """(z·v) u is differentiated by v with v in place of u."""

    def z_to_x(self, z):
        u, v = self.u.value, self.v.value
        x, log_det, _ = super().z_to_x(z)

        def backward(g, l):
            det = 1 + u @ v
            self.add((z @ v) @ g + v * l.sum() / det, (g @ v) @ z + v * l.sum() / det)  # wrong: (g @ u) @ z + u * …
            return g + (g @ u)[:, None] * v

        return x, log_det, backward


class DerivativeOfAnother(Scalar):
    """x = z + sin(z)/2, in whose backward sine and cosine are exchanged; the log-det has the right slope."""

    def f(self, z):
        return z + np.sin(z) / 2

    def inverse(self, x):
        z = x
        for _ in range(60):
            z = z - (z + np.sin(z) / 2 - x) / (1 + np.cos(z) / 2)
        return z

    def slope(self, z):
        return 1 + np.cos(z) / 2

    def curve(self, z):
        return -np.sin(z) / (2 + np.cos(z))

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)
        slope = 1 + np.sin(z) / 2  # wrong: np.cos
        return x, log_det, lambda g, l: g * slope - l[:, None] * np.cos(z) / 2 / slope
