"""Digits are lost on the way."""

import numpy as np

from tests.planted_bugs.right import Algebraic, Omega


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
