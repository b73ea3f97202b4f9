"""Wrong for some n."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import LowRank


class ThreeScales(Bijection):
    """x = 2z, with three coordinates counted whatever n is."""

    def __init__(self, n=3):
        self.n = n

    def z_to_x(self, z):
        return 2 * z, np.full(len(z), 3 * np.log(2)), lambda g, l: 2 * g  # wrong: self.n * np.log(2)

    def x_to_z(self, x):
        return x / 2, np.full(len(x), -3 * np.log(2)), lambda g, l: g / 2


class HalvesExchanged(Bijection):
    """The halves are exchanged both ways, which is its own inverse for even n."""

    def __init__(self, n=4):
        self.n = n

    def z_to_x(self, z):
        k = self.n // 2
        return np.roll(z, k, axis=1), np.zeros(len(z)), lambda g, l: np.roll(g, -k, axis=1)

    def x_to_z(self, x):
        k = self.n // 2
        return np.roll(x, k, axis=1), np.zeros(len(x)), lambda g, l: np.roll(g, -k, axis=1)  # wrong: -k, and k


class FirstTwoOnly(LowRank):
    """The scalar product z·v was written out for two coordinates."""

    def __init__(self, n=2, rng=None):
        super().__init__(n, rng)

    def z_to_x(self, z):
        _, log_det, backward = super().z_to_x(z)
        u, v = self.u.value, self.v.value
        a = z[:, 0] * v[0] + z[:, -1] * v[-1] if self.n > 1 else z @ v  # wrong: z @ v
        return z + a[:, None] * u, log_det, backward
