"""A result is NaN or infinite."""

import numpy as np

from tests.planted_bugs.right import Affine, LowRank, Scalar


class FallingSlope(Scalar):
    """x = −sinh z falls, and its log-det is the logarithm of the slope, not of the slope's size."""

    def f(self, z):
        return -np.sinh(z)

    def inverse(self, x):
        return -np.arcsinh(x)

    def slope(self, z):
        return -np.cosh(z)  # wrong: the logarithm wants abs(slope)

    def curve(self, z):
        return np.tanh(z)


class ScaleFromRelu(Affine):
    """The scale is max(0, network): 0 for every second number, with a logarithm of −∞."""

    def z_to_x(self, z):
        z_a, z_b = self.split(z)
        s = np.maximum(self.net(z_a)[0][:, : self.n_b], 0)  # wrong: np.exp
        return self.join(z_a, z_b * s), np.log(s).sum(axis=1), lambda g, l: g


class ReflectionInDisguise(LowRank):
    """u = −2v/|v|² makes the map a reflection: det = −1, and log det is no number."""

    def __init__(self, n, rng):
        super().__init__(n, rng)
        v = self.v.value
        self.u.value[:] = -2 * v / (v @ v)  # wrong: log(abs(1 + u @ v)), or u such that 1 + u @ v > 0
