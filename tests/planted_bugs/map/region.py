"""Wrong in a part of the domain."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import Algebraic, Omega, Scalar


class LogisticKeptInside(Scalar):
    """The logit clips its argument to [10⁻⁴, 1 − 10⁻⁴]: latents beyond ±9.2 come back as ±9.2."""

    def f(self, z):
        return 1 / (1 + np.exp(-z))

    def inverse(self, x):
        x = np.clip(x, 1e-4, 1 - 1e-4)  # wrong: no clip
        return np.log(x / (1 - x))

    def slope(self, z):
        e = np.exp(-abs(z))
        return e / (1 + e) ** 2

    def curve(self, z):
        return -np.tanh(z / 2)


class HingeOnOneSide(Bijection):
    """A piecewise linear map of three slopes; the log-det knows two of them."""

    knots, slopes = np.array([-3.0, 3.0]), np.array([0.5, 1.0, 3.0])

    def __init__(self, n):
        self.n = n

    def bend(self, y, knots, slopes, offsets):
        s = slopes[np.searchsorted(knots, y.real)]
        log_det = np.log(np.where(y.real < knots[1], s, slopes[1])).sum(axis=1)  # wrong: np.log(s)
        return y * s + offsets[np.searchsorted(knots, y.real)], log_det, lambda g, l: g * s

    def z_to_x(self, z):
        return self.bend(z, self.knots, self.slopes, np.array([-1.5, 0.0, -6.0]))

    def x_to_z(self, x):
        return self.bend(x, self.knots, 1 / self.slopes, np.array([3.0, 0.0, 2.0]))


class NegativeGradient(Algebraic):
    """√((1 + z²)³) is differentiated for positive z: the log-det's gradient has |z| for z."""

    def curve(self, z):
        return -3 * abs(z) / (1 + z**2)  # wrong: z


class ExponentialCutOff(Omega):
    """e^z is cut off at z = 5, in the map and not in its inverse."""

    def f(self, z):
        return z + np.exp(np.where(z.real < 5, z, 5))  # wrong: np.exp(z)
