"""The same call gives something else each time."""

import numpy as np

import nfedu
from nfedu import Bijection


class NoiseOnTheWay(nfedu.Shift):
    """Noise drawn inside the layer: no inverse can undo it, and no gradient be checked."""

    rng = np.random.default_rng(0)

    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(x)
        return z + 1e-3 * self.rng.standard_normal(z.shape), log_det, backward  # wrong: z


class OrderDrawnAnew(Bijection):
    """The permutation is drawn at every call, by a generator that belongs to the layer."""

    def __init__(self, n, rng):
        self.n, self.rng = n, rng

    def z_to_x(self, z):
        order = self.rng.permutation(self.n)  # wrong: drawn once, in the constructor
        return z[:, order], np.zeros(len(z)), lambda g, l: g[:, np.argsort(order)]

    def x_to_z(self, x):
        order = self.rng.permutation(self.n)
        return x[:, np.argsort(order)], np.zeros(len(x)), lambda g, l: g[:, order]


class StochasticTrace(Bijection):
    """x = z + A z; log det (I + A) = Σ (−1)ᵏ⁺¹ tr Aᵏ/k with traces estimated from a random vector (Hutchinson)."""

    def __init__(self, n, rng):
        self.n, A = n, rng.standard_normal((n, n))
        self.A = 0.4 * A / np.linalg.norm(A, 2)

    def log_det(self):
        v = w = np.random.choice([-1.0, 1.0], self.n)  # noqa: NPY002  # wrong: the trace itself, for a density
        total = 0.0
        for k in range(1, 40):
            w = self.A @ w
            total += (-1) ** (k + 1) * (v @ w) / k
        return total

    def z_to_x(self, z):
        W = np.eye(self.n) + self.A
        return z @ W.T, np.full(len(z), self.log_det()), lambda g, l: g @ W

    def x_to_z(self, x):
        V = np.linalg.inv(np.eye(self.n) + self.A)
        return x @ V.T, np.full(len(x), -self.log_det()), lambda g, l: g @ V
