"""Columns of a gradient are exchanged."""

import numpy as np

import nfedu
from nfedu import Bijection
from tests.planted_bugs.right import Additive, Drift


class SqueezedTwice(nfedu.Squeeze):
    """Backward of an image's squeeze squeezes the gradient once more."""

    def __init__(self):
        super().__init__((1, 4, 6))

    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)
        return x, log_det, lambda g, l: g[:, self.permutation]  # wrong: self.inverse


class JoinedInTheOtherOrder(Additive):
    """The halves' gradients are joined in the wrong order."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z, log_det, lambda g, l: np.roll(backward(g, l), self.n // 2, axis=1)  # wrong: no roll


class RollsOn(Bijection):
    """x rolls by one place and z rolls back; backward of z rolls back too."""

    def __init__(self, n=5):
        self.n = n

    def z_to_x(self, z):
        return np.roll(z, 1, axis=1) * 2, np.full(len(z), self.n * np.log(2)), lambda g, l: 2 * np.roll(g, -1, axis=1)

    def x_to_z(self, x):
        z = np.roll(x, -1, axis=1) / 2
        return z, np.full(len(x), -self.n * np.log(2)), lambda g, l: np.roll(g, -1, axis=1) / 2  # wrong: roll by 1


class ReversedParameter(Drift):
    """The entries of the parameter's gradient come in the reverse order."""

    def add(self, h, g):
        self.t.grad += (h * g).sum(axis=0)[::-1]  # wrong: no [::-1]
