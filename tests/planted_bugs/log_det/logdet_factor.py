"""log_det is off by a factor."""

import numpy as np

from tests.planted_bugs.right import Affine, Algebraic, Omega


class ExponentLost(Algebraic):
    """log (1 + z²)^{−3/2} is written with −1/2, the exponent of the map."""

    def z_to_x(self, z):
        x, _, backward = super().z_to_x(z)
        return x, -0.5 * np.log(1 + z**2).sum(axis=1), backward  # wrong: -1.5


class InBits(Omega):
    """The logarithm to base 2: bits, where everything else is in nats."""

    def z_to_x(self, z):
        x, _, backward = super().z_to_x(z)
        return x, np.log2(self.slope(z)).sum(axis=1), lambda g, l: backward(g, l / np.log(2))  # wrong: np.log


class MeanOfLogScales(Affine):
    """Σ α is taken as a mean over the coordinates that change."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det / self.n_b, lambda g, l: backward(g, l / self.n_b)  # wrong: the sum
