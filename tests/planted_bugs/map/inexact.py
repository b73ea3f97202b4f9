"""Close to right, not exact."""

import numpy as np

from nfedu import Bijection
from tests.planted_bugs.right import Omega, Stretch


class SeriesCutShort(Bijection):
    """x = e^A z with the matrix exponential as a series of six terms; the inverse takes that of −A, six terms too."""

    def __init__(self, n, rng):
        A = rng.standard_normal((n, n))
        self.n, self.A = n, 0.7 * A / np.linalg.norm(A, 2)

    def multiply(self, y, sign):
        term = E = np.eye(self.n)
        for k in range(1, 6):  # wrong: range(1, 30)
            term = term @ (sign * self.A) / k
            E = E + term
        return y @ E.T, np.full(len(y), np.linalg.slogdet(E)[1]), lambda g, l: g @ E

    def z_to_x(self, z):
        return self.multiply(z, 1)

    def x_to_z(self, x):
        return self.multiply(x, -1)


class EulerBack(Bijection):
    """dy/dt = tanh(y + 1) by ten Euler steps of 0.05; the way back takes ten of −0.05, which undo none of them."""

    def __init__(self, n):
        self.n = n

    def run(self, y, h):
        log_det, steps = 0.0, []
        for _ in range(10):
            t = np.tanh(y + 1)
            slope = 1 + h * (1 - t**2)
            steps.append((slope, -2 * h * t * (1 - t**2) / slope))
            y, log_det = y + h * t, log_det + np.log(slope).sum(axis=1)

        def backward(g, l):
            for slope, curve in reversed(steps):
                g = g * slope + l[:, None] * curve
            return g

        return y, log_det, backward

    def z_to_x(self, z):
        return self.run(z, 0.05)

    def x_to_z(self, x):
        return self.run(x, -0.05)  # wrong: each step solved for its start, as by Newton's method


class KeptFromZero(Stretch):
    """The way back divides by s + 10⁻⁶, so as never to divide by 0."""

    def x_to_z(self, x):
        s = self.f(self.a.value) + 1e-6  # wrong: no 1e-6, or one in both directions
        z = x / s

        def backward(g, l):
            self.a.grad -= ((g * z).sum(axis=0) + l.sum()) * (s - 1e-6) / s
            return g / s

        return z, np.full(len(x), -np.log(s).sum()), backward


class FiveSteps(Omega):
    """An iteration that gains about half a digit a step is stopped after five steps."""

    def inverse(self, x):
        z = super().inverse(x) + 0.01
        for _ in range(5):  # wrong: until nothing changes
            z = z - (z + np.exp(z) - x) / (2 + np.exp(z))
        return z
