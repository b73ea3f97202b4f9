"""Lesson 03 · NICE: one solution, with derivations."""

import numpy as np

import nfedu


class Coupling:
    """An additive coupling (N10, N11), with its two backwards.

    x_a = z_a and x_b = z_b + m(z_a). What arrives at x_b goes on to z_b unchanged, and into the network; the gradient
    of z_a is what arrives at x_a plus what comes out of the network. m = tanh(a W) V is lesson 00's network without
    biases: the gradient of V is hᵀ g, that of the network's inside (g Vᵀ)(1 − h²), and so on. log_det is 0, whatever
    the parameters are: g_log_det has nowhere to go. On the way back x_b − m(x_a): the network gets −g.
    """

    def __init__(self, n=3, W=None, V=None):
        rng = np.random.default_rng(0)
        self.W = nfedu.Parameter(rng.standard_normal((1, 4)) if W is None else W)
        self.V = nfedu.Parameter(rng.standard_normal((4, n - 1)) if V is None else V)
        self.n, self.d = n, len(self.W.value)

    def parameters(self):
        return {"W": self.W, "V": self.V}

    def network_backward(self, a, h, g):
        g_inside = (g @ self.V.value.T) * (1 - h**2)
        self.V.grad += h.T @ g
        self.W.grad += a.T @ g_inside
        return g_inside @ self.W.value.T

    def z_to_x(self, z):
        a, b = z[:, : self.d], z[:, self.d :]
        h = np.tanh(a @ self.W.value)

        def backward(g_x, g_log_det):
            g_a, g_b = g_x[:, : self.d], g_x[:, self.d :]
            g_a = g_a + self.network_backward(a, h, g_b)
            return np.concatenate([g_a, g_b], axis=1)

        return np.concatenate([a, b + h @ self.V.value], axis=1), np.zeros(len(z), z.dtype), backward

    def x_to_z(self, x):
        a, b = x[:, : self.d], x[:, self.d :]
        h = np.tanh(a @ self.W.value)

        def backward(g_z, g_log_det):
            g_a, g_b = g_z[:, : self.d], g_z[:, self.d :]
            minus = self.network_backward(a, h, -g_b)
            return np.concatenate([g_a + minus, g_b], axis=1)

        return np.concatenate([a, b - h @ self.V.value], axis=1), np.zeros(len(x), x.dtype), backward


def rescaled(x, s):
    """Log-density of x_i = s_i z_i for z ~ N(0, I) (N13, M10).

    z = x/s, and ∂z/∂x is diagonal with 1/s_i: log|det| = −Σ log|s_i|. A stretched density is a thinner one. A negative
    s_i mirrors; without the modulus its logarithm is NaN.
    """
    z = x / s
    n = x.shape[1]
    return -0.5 * (z**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi) - np.log(abs(s)).sum()


def expected_area(p, cell):
    """E[A], the number that bounds what a map that preserves volume can do.

    Sort the cells from the highest down. Those before cell k are `cell` each, and the ones just as high count half: on
    the average over equal values that is (first + last)/2 of their places. E[A] sums A with the weights p · cell. The
    disc: A = πr²/2 everywhere, since all is equal. The normal: p exceeds p(x) in the disc of radius |x|: E π|x|² = 2π.
    """
    _, inverse, counts = np.unique(-p, return_inverse=True, return_counts=True)
    above = np.cumsum(counts) - counts
    A = cell * (above + 0.5 * counts)[inverse]
    return (p * A).sum() * cell
