"""Lesson 03 · NICE: additive coupling.

Fill in the blanks, then: python -m lessons grade 03 exercise_03.py
"""

import numpy as np

import nfedu


class Coupling:
    """An additive coupling (N10, N11), whose two backwards are missing.

    The first d coordinates pass, and shift the others by m(a) = tanh(a W) V, with W (d, k) and V (k, n − d). A backward
    returns the gradient with respect to its direction's input, and adds those of the parameters to W.grad and V.grad.
    `python -m nfedu check exercise_03.py:Coupling` judges it as well.

    Time: 30 minutes. You learn where a coupling's gradient splits, and what a minus on the way back does to it.
    """

    def __init__(self, n=3, W=None, V=None):
        rng = np.random.default_rng(0)
        self.W = nfedu.Parameter(rng.standard_normal((1, 4)) if W is None else W)
        self.V = nfedu.Parameter(rng.standard_normal((4, n - 1)) if V is None else V)
        self.n, self.d = n, len(self.W.value)

    def parameters(self):
        return {"W": self.W, "V": self.V}

    def z_to_x(self, z):
        a, b = z[:, : self.d], z[:, self.d :]
        h = np.tanh(a @ self.W.value)

        def backward(g_x, g_log_det):
            raise NotImplementedError

        return np.concatenate([a, b + h @ self.V.value], axis=1), np.zeros(len(z), z.dtype), backward

    def x_to_z(self, x):
        a, b = x[:, : self.d], x[:, self.d :]
        h = np.tanh(a @ self.W.value)

        def backward(g_z, g_log_det):
            raise NotImplementedError

        return np.concatenate([a, b - h @ self.V.value], axis=1), np.zeros(len(x), x.dtype), backward


def rescaled(x, s):
    """Log-density of x_i = s_i z_i for z ~ N(0, I) (N13, M10), x (N, n), s (n,). Some s_i may be negative.

    Return (N,).

    Time: 10 minutes. You learn on which side Σ log|s_i| stands, and what the modulus is for.
    """
    raise NotImplementedError


def expected_area(p, cell):
    """E[A], the number that bounds what a map that preserves volume can do.

    A density is given by its values p (K,) on cells of area `cell`; they sum to 1/cell. A(x) is the area where the
    density exceeds p(x), plus half the area where it equals p(x). Return the mean of A under p, a number. Start with a
    pencil: a uniform density on a disc of radius r has E[A] = πr²/2, and a standard normal in the plane 2π.

    Time: 20 minutes. You learn what additive couplings keep: the area above each level, so the best loss they can
    reach.
    """
    raise NotImplementedError
