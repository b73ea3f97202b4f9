"""log_det is off by an amount that differs from row to row."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Affine, Maf, Omega


class ShiftsCounted(Affine):
    """The network's outputs are summed, μ as well as α."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        mu = self.conditions(self.split(z)[0])[0]
        return x, log_det + mu.sum(axis=1), backward  # wrong: log_det


class SlopeOfArcsinhMissing(nfedu.SinhArcsinh):
    """x = sinh(… arcsinh z …): the slope of sinh is in the log-det, that of arcsinh, 1/√(1 + z²), is not."""

    def __init__(self, n):
        super().__init__(n, 0.2, 0.7)

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det + 0.5 * np.log(1 + z**2).sum(axis=1), backward  # wrong: log_det


class OneForgotten(Omega):
    """The slope 1 + e^z without the 1, which the map's z is for."""

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, -z.sum(axis=1), backward  # wrong: −Σ log(1 + e^z)


class LastCoordinateMissing(Maf):
    """The sum of log-scales ends before the last coordinate."""

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        alpha = self.log_scale(self.net(x)[0][:, :, 1])[0]
        return z, -alpha[:, :-1].sum(axis=1), backward  # wrong: all of them
