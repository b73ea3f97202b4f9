"""The part of backward from g_log_det is wrong."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Affine, Cholesky, LowRank


class Ignored(nfedu.Exp):
    """backward ignores g_log_det: training follows the base's pull alone."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g_x, g_log_det: backward(g_x, 0 * g_log_det)  # wrong: g_log_det


class OtherDirectionsSign(nfedu.Exp):
    """backward takes the log-det's gradient with the wrong sign, as when the two directions' formulas are mixed up."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)  # wrong: g_log_det


class NotComplex(nfedu.Exp):
    """The sign of the log-det's gradient again, in a layer that takes absolute values: there is no complex step."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(np.abs(x))
        return z, log_det, lambda g_z, g_log_det: backward(g_z, -g_log_det)  # wrong: g_log_det


class ScalesNotPulled(Affine):
    """The network's log-scales feel the outputs, not the log-det."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g, l: backward(g, 0 * l)  # wrong: l


class DiagonalNotPulled(Cholesky):
    """The diagonal's gradient lacks the log-det's Σ g_log_det."""

    def add(self, g_L, l):
        super().add(g_L, 0)  # wrong: l


class DeterminantForgotten(LowRank):
    """d log(1 + u·v)/du is v/(1 + u·v); the denominator is left out."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        det = 1 + self.u.value @ self.v.value
        return x, log_det, lambda g, l: backward(g, l * det)  # wrong: l
