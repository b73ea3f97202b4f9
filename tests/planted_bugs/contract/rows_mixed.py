"""A row's result depends on other rows."""

import numpy as np

import nfedu
from nfedu import Bijection
from tests.planted_bugs.right import Affine


class CentredByTheBatch(nfedu.Shift):
    """The shift is a mean over the batch: a point's latent depends on which other points it came with."""

    def x_to_z(self, x):
        _, log_det, backward = super().x_to_z(x)
        return x - x.mean(axis=0), log_det, backward  # wrong: axis 1 is a point's

    def z_to_x(self, z):
        return z.copy(), np.zeros(len(z)), lambda g_x, g_log_det: g_x


class NormOfTheBatch(Bijection):
    """x = z (1 + |z|²), with a norm that takes all rows for one vector."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        q = (z**2).sum()  # wrong: sum(axis=1, keepdims=True)
        log_det = np.full(len(z), (self.n - 1) * np.log(1 + q) + np.log(1 + 3 * q))
        return z * (1 + q), log_det, lambda g, l: g * (1 + q) + 2 * z * (g * z).sum()

    def x_to_z(self, x):
        R = np.linalg.norm(x)
        r = R
        for _ in range(60):
            r = r - (r + r**3 - R) / (1 + 3 * r**2)
        log_det = np.full(len(x), -(self.n - 1) * np.log(1 + r**2) - np.log(1 + 3 * r**2))
        return x / (1 + r**2), log_det, lambda g, l: g / (1 + r**2)


class MeanLogDet(Affine):
    """Every row has the batch's mean log-det: the mean likelihood is right, each point's is not."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, np.full(len(x), log_det.mean()), backward  # wrong: log_det


class NeighboursDifference(Bijection):
    """np.diff along axis 0: a row minus the row before it."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        return np.cumsum(z, axis=1), np.zeros(len(z)), lambda g, l: np.cumsum(g[:, ::-1], axis=1)[:, ::-1]

    def x_to_z(self, x):
        z = np.diff(x, axis=0, prepend=0)  # wrong: axis=1
        return z, np.zeros(len(x)), lambda g, l: g - np.append(g[:, 1:], np.zeros((len(x), 1)), axis=1)
