"""The part of backward from g_out is wrong."""

import nfedu
from tests.planted_bugs.right import Affine, Omega, Stretch


class LogDetTermOnly(nfedu.Exp):
    """backward keeps the log-det's term and forgets the output's."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: backward(0 * g_z, g_log_det)  # wrong: g_z


class NotScaled(Affine):
    """The changed half's gradient is handed on without the scale e^α."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def unscaled(g, l):
            return self.join(self.split(backward(g, l))[0], self.split(g)[1].copy())  # wrong: g_b * s

        return x, log_det, unscaled


class SlopeAtTheWrongEnd(Omega):
    """dx/dz is evaluated at x."""

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)
        slope, curve = self.slope(x), self.curve(z)  # wrong: self.slope(z)
        return x, log_det, lambda g, l: g * slope + l[:, None] * curve


class ScaleOnlyInTheLogDet(Stretch):
    """a's gradient is that of the log-det alone; how far the outputs move with a is left out."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def without(g, l):
            backward(0 * g, l)
            return g / self.f(self.a.value)  # wrong: backward(g, l)

        return z, log_det, without
