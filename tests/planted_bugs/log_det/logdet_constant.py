"""log_det is off by the same amount in every row."""

import numpy as np
from scipy.special import ndtr, ndtri

import nfedu
from tests.planted_bugs.right import Algebraic, Scalar


class WidthForgotten(nfedu.Logit):
    """RealNVP's logit(.05 + .9x) with the slope of logit alone: the .9 is forgotten."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det - self.n * np.log(self.width), backward  # wrong: log_det


class NormalizerForgotten(Scalar):
    """x = Φ(z), whose slope is the normal density without its 1/√2π."""

    def f(self, z):
        return ndtr(z)

    def inverse(self, x):
        return ndtri(x)

    def slope(self, z):
        return np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)

    def curve(self, z):
        return -z

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, (z**2).sum(axis=1) / 2, backward  # wrong: + n/2 log 2π


class TailForgotten(nfedu.SinhArcsinh):
    """u = (arcsinh z + ε)/δ is differentiated without the 1/δ."""

    def __init__(self, n):
        super().__init__(n, 0.2, 0.7)

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det + self.log_delta.value.sum(), backward  # wrong: log_det


class UnitsOfTheData(Algebraic):
    """Data in percent: x = 100 z/√(1 + z²), the log-det for x between −1 and 1."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return 100 * x, log_det, lambda g, l: backward(100 * g, l)  # wrong: + n log 100

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x / 100)
        return z, log_det, lambda g, l: backward(g, l) / 100
