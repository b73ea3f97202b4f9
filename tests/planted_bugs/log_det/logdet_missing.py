"""log_det is zero."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Affine, LowRank


class ForgottenExponential(nfedu.Exp):
    """A scale without its log-det: the density no longer integrates to one."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, np.zeros_like(log_det), lambda g_x, g_log_det: backward(g_x, 0 * g_log_det)  # wrong: log_det


class TakenForAdditive(Affine):
    """An affine coupling that was an additive one before: its log-det is 0 still, both ways."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, 0 * log_det, lambda g, l: backward(g, 0 * l)  # wrong: Σ α

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, 0 * log_det, lambda g, l: backward(g, 0 * l)


class UnitDeterminant(LowRank):
    """I + u vᵀ is taken for a shear, of determinant 1, as it is where u·v = 0."""

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, np.zeros(len(x), x.dtype), backward  # wrong: −log(1 + u·v)
