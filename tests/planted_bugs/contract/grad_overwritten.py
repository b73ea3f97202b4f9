"""A gradient is assigned."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Additive, Drift


class Assigned(nfedu.Rescale):
    """A gradient is assigned where it must be added: a layer used twice, or a second batch, loses the first."""

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)

        def backward(g_x, g_log_det):
            self.log_s.grad[...] = (g_x * x).sum(axis=0) + g_log_det.sum()  # wrong: +=
            return g_x * self.s

        return x, log_det, backward


class SumIntoGrad(Drift):
    """np.sum writes its result into `out`; it does not add to it."""

    def add(self, h, g):
        np.sum(h * g, axis=0, out=self.t.grad)  # wrong: self.t.grad += …


class ResetInBackward(Additive):
    """backward sets all gradients to 0 before it adds: each call forgets those before it."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)

        def reset(g, l):
            for p in self.parameters().values():
                p.grad[...] = 0  # wrong: the flow's task
            return backward(g, l)

        return z, log_det, reset
