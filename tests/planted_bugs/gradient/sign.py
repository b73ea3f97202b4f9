"""A gradient has the wrong sign."""

import numpy as np

from tests.planted_bugs.right import Additive, Drift, Givens, Stretch


class MinusForgotten(Additive):
    """N11 subtracts m, so the network's gradient needs a minus; here it has none."""

    def x_to_z(self, x):
        x_a, x_b = self.split(x)
        m, net_backward = self.net(x_a)

        def backward(g_z, g_log_det):
            g_a, g_b = self.split(g_z)
            return self.join(g_a + net_backward(g_b), g_b)  # wrong: net_backward(-g_b)

        return self.join(x_a, x_b - m), np.zeros(len(x)), backward


class TurnedTheOtherWay(Givens):
    """The derivative of a rotation turns by another quarter, to the left; here to the right."""

    def turn(self, y, sign):
        out, log_det, backward = super().turn(y, sign)

        def clockwise(g, l):
            kept = self.angle.grad.copy()
            g_y = backward(g, l)
            self.angle.grad[:] = 2 * kept - self.angle.grad  # wrong: as it is
            return g_y

        return out, log_det, clockwise


class RateForScale(Stretch):
    """f(a) = e^{−a}, a rate, with the derivative of e^a."""

    def f(self, a):
        return np.exp(-a)  # wrong: log_slope is −1 then


class DownhillAlready(Drift):
    """The layer gives −gradient, for an optimizer that adds."""

    def add(self, h, g):
        self.t.grad -= (h * g).sum(axis=0)  # wrong: +=
