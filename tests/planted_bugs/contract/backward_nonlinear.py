"""backward is not linear in g."""

import numpy as np

from tests.planted_bugs.right import Additive, Algebraic, LowRank


class UnitGradient(Additive):
    """Each row's gradient is brought to length 1 before it is handed on."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def unit(g, l):
            g_z = backward(g, l)
            return g_z / (1e-8 + np.linalg.norm(g_z, axis=1, keepdims=True))  # wrong: g_z

        return x, log_det, unit


class SmallOnesDropped(Algebraic):
    """Gradients below 0.01 are set to 0, to save work."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def sparse(g, l):
            g_x = backward(g, l)
            return np.where(abs(g_x) < 1e-2, 0, g_x)  # wrong: g_x

        return z, log_det, sparse


class NormClipped(LowRank):
    """The parameters' gradients are scaled down when they are long."""

    def add(self, g_u, g_v):
        length = np.sqrt(g_u @ g_u + g_v @ g_v)
        factor = min(1.0, 2.0 / length) if length > 0 else 1.0  # wrong: the optimizer's task
        super().add(factor * g_u, factor * g_v)


class RegularizedByAConstant(Algebraic):
    """A penalty on log-dets that was added to backward: a term without a g."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g, l: backward(g, l) + 0.01 * self.curve(z)  # wrong: backward(g, l)
