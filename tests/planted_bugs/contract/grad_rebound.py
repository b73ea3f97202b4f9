"""A new array takes the place of grad."""

import numpy as np

from tests.planted_bugs.right import Affine, Cholesky, LowRank


class AddsIntoANewArray(LowRank):
    """grad = grad + … is another array than grad += …"""

    def add(self, g_u, g_v):
        self.u.grad += g_u
        self.v.grad = self.v.grad + g_v  # wrong: +=


class MaskedAnew(Cholesky):
    """The gradient is masked once more, by a product that is a new array."""

    def add(self, g_L, l):
        self.A.grad += g_L
        self.A.grad = np.tril(self.A.grad, -1)  # wrong: += np.tril(g_L, -1)
        self.log_d.grad += np.diag(g_L) * np.exp(self.log_d.value) + l


class ZeroesBefore(Affine):
    """backward makes new zeros first, as an optimizer of another library would."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def anew(g, l):
            for p in self.parameters().values():
                p.grad = np.zeros_like(p.value)  # wrong: the flow's task
            return backward(g, l)

        return x, log_det, anew
