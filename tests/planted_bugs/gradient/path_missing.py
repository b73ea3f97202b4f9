"""A way to the results is missing in backward."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Additive, Cayley, Maf


class NetworkForgotten(Additive):
    """The gradient of the input forgets that the shift depends on it."""

    def z_to_x(self, z):
        z_a, z_b = self.split(z)
        m, net_backward = self.net(z_a)

        def backward(g_x, g_log_det):
            g_a, g_b = self.split(g_x)
            net_backward(g_b)
            return self.join(g_a, g_b)  # wrong: g_a + net_backward(g_b)

        return self.join(z_a, z_b + m), np.zeros(len(z)), backward


class SlowWayNotDifferentiated(Maf):
    """MAF's z→x is differentiated as if all μ_i and α_i were constants: what x_i owes to those before it is lost."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        alpha = self.log_scale(self.net(x)[0][:, :, 1])[0]

        def wrong(g_x, g_log_det):
            backward(g_x, g_log_det)  # the parameters' gradients are right
            return g_x * np.exp(alpha)  # wrong: what backward returns

        return x, log_det, wrong


class StatisticsConstant(nfedu.BatchNorm):
    """Batch norm's backward takes mean and variance for constants: gradients miss two of their three ways."""

    def __init__(self, n):
        super().__init__(n)
        self.mode = "training"

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        if self.mode != "training":
            return z, log_det, backward
        slope = (z[0] - z[1]) / (x[0] - x[1])

        def wrong(g_z, g_log_det):
            backward(g_z, g_log_det)  # the parameters' gradients are right
            return g_z * slope  # wrong: what backward returns

        return z, log_det, wrong


class NothingLearnedAtTheStart(nfedu.Rescale):
    """While log_s is 0 the layer takes a short cut, whose backward forgets log_s: from there it never learns."""

    def __init__(self, n):
        super().__init__(n, 1.0)

    def x_to_z(self, x):
        if self.log_s.value.any():
            return super().x_to_z(x)
        return x.copy(), np.zeros(len(x)), lambda g_z, g_log_det: g_z.copy()  # wrong: self.log_s.grad -= …


class NeverWritten(nfedu.Shift):
    """backward never writes the parameter's gradient: it will not learn."""

    def x_to_z(self, x):
        z, log_det, _ = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: g_z.copy()  # wrong: self.shift.grad -= …


class TransposeForgotten(Cayley):
    """A = S − Sᵀ holds S twice; its gradient counts the first use only."""

    def add(self, g_A):
        self.S.grad += g_A  # wrong: g_A - g_A.T
