"""A row's result depends on where it stands."""

import numpy as np

from tests.planted_bugs.right import Additive, Affine, Drift, Omega


class ShiftOfTheFirstRow(Additive):
    """Every row is shifted by the network's output for the first one; at that row nothing is wrong."""

    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m = self.net(x_a)[0][:1]  # wrong: all rows
        return self.join(x_a, x_b - m), np.zeros(len(x)), lambda g_z, g_log_det: g_z


class LastRowForgotten(Omega):
    """A loop over rows ends one too early."""

    def f(self, z):
        x = z.copy()
        for r in range(len(z) - 1):  # wrong: range(len(z))
            x[r] = super().f(z[r])
        return x


class ScaledByTheCount(Affine):
    """The log-det is divided by the number of rows, as if it were a loss already."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det / len(x), lambda g, l: backward(g, l / len(x))  # wrong: log_det


class GradientOfTheFirstRow(Drift):
    """The parameter's gradient is the first row's."""

    def add(self, h, g):
        self.t.grad += h[0] * g[0]  # wrong: (h * g).sum(axis=0)
