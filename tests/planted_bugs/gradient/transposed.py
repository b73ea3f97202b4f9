"""A matrix is transposed in backward."""

import numpy as np

from nfedu import Bijection, Parameter
from tests.planted_bugs.right import Cholesky, LowRank


class WeightsOfASquare(Bijection):
    """The weight's gradient is written g.T @ h: with as many inputs as outputs no shape complains."""

    def __init__(self, n=4, rng=None):
        if n % 2:
            raise ValueError(f"WeightsOfASquare: n = {n}, expected an even number")
        self.n, self.W = n, Parameter(rng.standard_normal((n // 2, n // 2)))

    def shift(self, y, sign):
        h = self.n // 2
        a, b = y[:, :h], y[:, h:]

        def backward(g, g_log_det):
            self.W.grad += sign * g[:, h:].T @ a  # wrong: a.T @ g
            return np.concatenate([g[:, :h] + sign * g[:, h:] @ self.W.value.T, g[:, h:]], axis=1)

        return np.concatenate([a, b + sign * (a @ self.W.value)], axis=1), np.zeros(len(y)), backward

    def z_to_x(self, z):
        return self.shift(z, 1)

    def x_to_z(self, x):
        return self.shift(x, -1)

    def parameters(self):
        return {"W": self.W}


class VectorsExchanged(LowRank):
    """(I + u vᵀ)ᵀ is I + v uᵀ: backward has u and v as the map has them."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        u, v = self.u.value, self.v.value

        def exchanged(g, l):
            backward(g, l)
            return g + (g @ v)[:, None] * u  # wrong: (g @ u) v

        return x, log_det, exchanged


class CayleyBackwards(Bijection):
    """A rotation (I − A)(I + A)⁻¹ with A = −Aᵀ: backward turns on, it must turn back."""

    def __init__(self, n, rng):
        A = rng.standard_normal((n, n))
        A = A - A.T
        self.n, self.Q = n, (np.eye(n) - A) @ np.linalg.inv(np.eye(n) + A)

    def z_to_x(self, z):
        return z @ self.Q.T, np.zeros(len(z)), lambda g, l: g @ self.Q

    def x_to_z(self, x):
        return x @ self.Q, np.zeros(len(x)), lambda g, l: g @ self.Q  # wrong: self.Q.T


class SolvesTheOtherSystem(Cholesky):
    """The gradient of a solution of L z = x solves Lᵀ g_x = g_z; here L g_x = g_z."""

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        L = self.matrix()

        def solved(g, l):
            backward(g, l)
            return np.linalg.solve(L, g.T).T  # wrong: L.T

        return z, log_det, solved
