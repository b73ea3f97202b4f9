"""Results of two calls lie in the same memory."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import Algebraic


class ZerosKept(Bijection):
    """A permutation's log-det is 0: the same array of zeros is returned each time, to anybody who adds to it."""

    def __init__(self, n):
        self.n, self.zeros = n, np.zeros(0)

    def log_det(self, y):
        if len(self.zeros) != len(y):
            self.zeros = np.zeros(len(y))
        return self.zeros  # wrong: np.zeros(len(y))

    def z_to_x(self, z):
        return z[:, ::-1].copy(), self.log_det(z), lambda g, l: g[:, ::-1].copy()

    def x_to_z(self, x):
        return x[:, ::-1].copy(), self.log_det(x), lambda g, l: g[:, ::-1].copy()


class GradientBuffer(Algebraic):
    """backward writes its result into one array, made when the map was called."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        buffer = np.empty_like(z)

        def into_buffer(g, l):
            buffer[...] = backward(g, l)
            return buffer  # wrong: buffer.copy()

        return x, log_det, into_buffer
