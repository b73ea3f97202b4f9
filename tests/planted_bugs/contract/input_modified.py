"""A call changes the arrays that it is given."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Additive


class ShiftInPlace(nfedu.Shift):
    """The input is shifted in place: the caller's data change under its feet."""

    def z_to_x(self, z):
        _, _, backward = super().z_to_x(z)
        z += self.t  # wrong: z + t
        return z.copy(), np.zeros(len(z)), backward


class ScaledGradient(nfedu.Rescale):
    """backward multiplies the gradient that it was handed in place."""

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)

        def backward(g_x, g_log_det):
            self.log_s.grad += (g_x * x).sum(axis=0) + g_log_det.sum()
            g_x *= self.s  # wrong: return g_x * s
            return g_x.copy()

        return x, log_det, backward


class NegatedLogDetGradient(nfedu.Exp):
    """backward scales the log-det's gradient in place, which the layer before it still needs."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def scaled(g_z, g_log_det):
            g_log_det *= -1.0  # wrong: -g_log_det
            return backward(g_z, -g_log_det)

        return z, log_det, scaled


class ViewOfAHalf(Additive):
    """A slice is a view: what is written to it is written to the input."""

    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m, net_backward = self.net(x_a)
        x_b -= m  # wrong: x_b - m

        def backward(g, l):
            g_a, g_b = self.split(g)
            return self.join(g_a + net_backward(-g_b), g_b)

        return self.join(x_a, x_b), np.zeros(len(x)), backward
