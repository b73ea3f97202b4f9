"""The weight's gradient is written g.T @ h: with as many inputs as outputs no shape complains."""

import numpy as np

from nfedu import Bijection, Parameter

RUNG, DIAGNOSIS = 5, "transposed"


class Wrong(Bijection):
    n = 4

    def __init__(self, rng):
        self.W = Parameter(rng.standard_normal((2, 2)))

    def shift(self, y, sign):
        a, b = y[:, :2], y[:, 2:]

        def backward(g, g_log_det):
            self.W.grad += sign * g[:, 2:].T @ a  # wrong: a.T @ g
            return np.concatenate([g[:, :2] + sign * g[:, 2:] @ self.W.value.T, g[:, 2:]], axis=1)

        return np.concatenate([a, b + sign * (a @ self.W.value)], axis=1), np.zeros(len(y)), backward

    def z_to_x(self, z):
        return self.shift(z, 1)

    def x_to_z(self, x):
        return self.shift(x, -1)

    def parameters(self):
        return {"W": self.W}


def layer(rng):
    return Wrong(rng)
