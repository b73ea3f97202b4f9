"""A call changes a parameter."""

import numpy as np

import nfedu
from nfedu import Bijection, Parameter
from tests.planted_bugs.right import Cholesky


class RunningMean(nfedu.Shift):
    """The mean is a parameter, and every batch moves it a little."""

    def x_to_z(self, x):
        self.shift.value[:] = 0.9 * self.shift.value + 0.1 * x.mean(axis=0)  # wrong: not in a call
        return super().x_to_z(x)


class DecayInBackward(nfedu.Rescale):
    """Weight decay inside the layer: each backward shrinks log s."""

    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def decaying(g, l):
            g_z = backward(g, l)
            self.log_s.value *= 0.999  # wrong: the optimizer's task
            return g_z

        return x, log_det, decaying


class NormalizesInPlace(Bijection):
    """A reflection that brings its vector to length 1 at every call, where it stands."""

    def __init__(self, n, rng):
        self.n, self.v = n, Parameter(rng.standard_normal(n))

    def z_to_x(self, z):
        return self.reflect(z)

    def x_to_z(self, x):
        return self.reflect(x)

    def reflect(self, y):
        v = self.v.value
        length = np.sqrt(v @ v)
        v /= length  # wrong: v = v / length
        a = y @ v

        def backward(g, l):
            b = g @ v
            g_v = -2 * (a @ g + b @ y)
            self.v.grad += (g_v - (g_v @ v) * v) / length
            return g - 2 * b[:, None] * v

        return y - 2 * a[:, None] * v, np.zeros(len(y), y.dtype), backward

    def parameters(self):
        return {"v": self.v}


class ExponentialInPlace(Cholesky):
    """The diagonal's logarithms are overwritten with their exponentials."""

    def matrix(self):
        d = np.exp(self.log_d.value, out=self.log_d.value)  # wrong: no out
        return np.tril(self.A.value, -1) + np.diag(d)
