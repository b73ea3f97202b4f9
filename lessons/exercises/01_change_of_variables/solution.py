"""Lesson 01 · Change of variables: one solution, with derivations."""

import numpy as np


def density(x):
    """The density of a map in the plane (N4).

    What was done last is undone first: z_1 = x_1 exp(−x_2/4), then z_2 = x_2 − z_1²/4. The rows of ∂z/∂x are
      (e, −z_1/4) and (−z_1 e/2, 1 + z_1²/8) with e = exp(−x_2/4), and
      det = e (1 + z_1²/8) − (z_1/4)(z_1 e/2) = e.
    At (1, 0): z = (1, −1/4), det = 1, p = exp(−(1 + 1/16)/2) / 2π = 0.0936.
    """
    z1 = x[:, 0] * np.exp(-x[:, 1] / 4)
    z2 = x[:, 1] - z1**2 / 4
    det = np.exp(-x[:, 1] / 4)
    p = np.exp(-(z1**2 + z2**2) / 2) / (2 * np.pi) * det
    return np.stack([z1, z2], axis=1), det, p


def log_prob(x, A, b):
    """Log-density of x = A z + b for z ~ N(0, I), by the change of variables (N3).

    z = A⁻¹ (x − b) for each point: for points in rows, solve A zᵀ = (x − b)ᵀ. ∂z/∂x = A⁻¹, whose log|det| is that of A
    with the other sign: log p(x) = −|z|²/2 − (n/2) log 2π − log|det A|.
    """
    z = np.linalg.solve(A, (x - b).T).T
    n = x.shape[1]
    return -0.5 * (z**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi) - np.linalg.slogdet(A)[1]


class Sine:
    """The layer x = z + ½ sin z in each coordinate, undone by an iteration, with both of its backwards.

    The slope is s(z) = 1 + ½ cos z, between ½ and 1½, so the map is a bijection, and z ← x − ½ sin z contracts by ½;
    Newton's method finishes in a few steps. The log-det is Σ log s(z), with gradient s'/s = −½ sin z / s.
    On the way back dz/dx = 1/s at the z that was found, however it was found: backward divides what arrives at z, from
    the output and from log_det = −Σ log s(z), by s.
    """

    def __init__(self, n):
        self.n = n

    def parameters(self):
        return {}

    def z_to_x(self, z):
        slope = 1 + 0.5 * np.cos(z)

        def backward(g_x, g_log_det):
            return g_x * slope - g_log_det[:, None] * 0.5 * np.sin(z) / slope

        return z + 0.5 * np.sin(z), np.log(slope).sum(axis=1), backward

    def x_to_z(self, x):
        z = x
        for _ in range(10):
            z = x - 0.5 * np.sin(z)
        for _ in range(6):
            z = z - (z + 0.5 * np.sin(z) - x) / (1 + 0.5 * np.cos(z))
        s = 1 + 0.5 * np.cos(z)

        def backward(g_z, g_log_det):
            return (g_z + g_log_det[:, None] * 0.5 * np.sin(z) / s) / s

        return z, -np.log(s).sum(axis=1), backward
