"""The two directions do not undo each other."""

import numpy as np

from nfedu import Bijection
from nfedu.networks import MADE
from tests.planted_bugs.right import Additive, Affine, Cholesky, Maf


class Fold(Bijection):
    """x = z² is undone by a square root only where z > 0: data come back, latents do not."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        return z**2, np.log(2 * abs(z)).sum(axis=1), lambda g_x, g_log_det: 2 * g_x * z + g_log_det[:, None] / z

    def x_to_z(self, x):
        z = np.sqrt(x)  # wrong: no map to begin with

        def backward(g_z, g_log_det):
            return g_z / (2 * z) - g_log_det[:, None] / (2 * x)

        return z, -np.log(2 * z).sum(axis=1), backward


class PrintedM6(Affine):
    """The way back divides by exp(z_a) instead of exp(α), as the notes print it (M6)."""

    def x_to_z(self, x):
        _, log_det, backward = super().x_to_z(x)
        x_a, x_b = self.split(x)
        return self.join(x_a, (x_b - self.conditions(x_a)[0]) * np.exp(-x_a)), log_det, backward  # wrong: e^{−α}


class SeesItself(MADE):
    """A MADE whose i-th outputs see input i as well."""

    def mask(self, layer):
        return (self.degrees[layer][:, None] <= self.degrees[layer + 1]).astype(float)


class PrintedM8(Maf):
    """μ_i and α_i look at x_i itself, as the notes print it (M8): the diagonal of the Jacobian is not e^{−α_i}."""

    def __init__(self, n=4, rng=None):
        super().__init__(n, rng)
        self.net = SeesItself(n, (9,), 2, "tanh", output_scale=1.0, rng=rng)  # wrong: MADE


class PrintedM9(Bijection):
    """IAF's μ_i and α_i look at z_i itself, as the notes print it (M9)."""

    def __init__(self, n=4, rng=None):
        self.n, self.maf = n, PrintedM8(n, rng)  # wrong: Maf

    def z_to_x(self, z):
        return self.maf.x_to_z(z)

    def x_to_z(self, x):
        return self.maf.z_to_x(x)

    def parameters(self):
        return self.maf.parameters()


class AddsBothWays(Additive):
    """The way back adds the shift that the way there added."""

    def x_to_z(self, x):
        return self.z_to_x(x)  # wrong: minus


class TransposeForInverse(Cholesky):
    """The inverse of L is taken to be its transpose, as for a rotation."""

    def x_to_z(self, x):
        L = self.matrix()
        return x @ L, np.full(len(x), -self.log_d.value.sum()), lambda g, l: g @ L.T  # wrong: inv(L)
