"""A gradient where the parameter has no effect."""

import numpy as np

import nfedu
from tests.planted_bugs.right import Cholesky, Stretch


class TriangleNotMasked(Cholesky):
    """A's gradient is dense, although the map uses the part of A below the diagonal."""

    def add(self, g_L, l):
        self.A.grad += g_L  # wrong: np.tril(g_L, -1)
        self.log_d.grad += np.diag(g_L) * np.exp(self.log_d.value) + l


class StraightThroughAClip(Stretch):
    """a is clipped to [−1, 1], and its gradient goes on as if it were not."""

    def __init__(self, n, rng):
        super().__init__(n, rng)
        self.a.value[0] = 1.5

    def f(self, a):
        return np.exp(np.where(a.real < 1, a, 1))  # wrong: log_slope is 0 beyond


class FrozenScale(nfedu.Rescale):
    """s is taken once, in the constructor; log_s is a Parameter still."""

    def __init__(self, n):
        super().__init__(n, 0.5)
        self.frozen = np.exp(self.log_s.value)

    @property
    def s(self):
        return self.frozen  # wrong: np.exp(self.log_s.value)

    def z_to_x(self, z):
        x, _, backward = super().z_to_x(z)
        return x, np.full(len(z), np.log(self.frozen).sum()), backward

    def x_to_z(self, x):
        z, _, backward = super().x_to_z(x)
        return z, np.full(len(x), -np.log(self.frozen).sum()), backward
