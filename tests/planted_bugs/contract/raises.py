"""A call raises."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import Additive, Algebraic, Slopes


class NoSuchFunction(Bijection):
    """NumPy has no sigmoid: z_to_x cannot run, and what x_to_z is asked then need not lie in (0, 1)."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        x = np.sigmoid(z)  # wrong: 1 / (1 + np.exp(-z))
        return x, np.log(x * (1 - x)).sum(axis=1), lambda g, l: g * x * (1 - x) + l[:, None] * (1 - 2 * x)

    def x_to_z(self, x):
        slope = 1 / (x * (1 - x))
        return np.log(x / (1 - x)), np.log(slope).sum(axis=1), lambda g, l: (g - l[:, None] * (1 - 2 * x)) * slope


class NetworkNotUnpacked(Additive):
    """A network returns its output and its backward; both are subtracted."""

    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m = self.net(x_a)  # wrong: m, net_backward
        return self.join(x_a, x_b - m), np.zeros(len(x)), lambda g, l: g


class CallsItself(Algebraic):
    """The inverse is looked for by means of itself."""

    def inverse(self, x):
        return self.x_to_z(x)[0]  # wrong: x / np.sqrt(1 - x**2)


class BinsNotClipped(Slopes):
    """Beyond the last knot an index points at no slope."""

    def bins(self, z):
        return np.floor(z + 4).astype(int)  # wrong: clipped to 0 … 7
