"""Lesson 00 · Backward by hand, and how to check it.

Fill in the blanks, then: python -m lessons grade 00 exercise_00.py
"""

import numpy as np


def mlp(x, W0, b0, W1, b1):
    """Backward of a network with one hidden layer, y = tanh(x W0 + b0) W1 + b1, for points in rows.

    Return y (N, o) and a function backward(g). That takes the loss's gradient with respect to y and returns the
    gradients with respect to x, W0, b0, W1 and b1, in this order, each in the shape of what it belongs to.

    Time: 25 minutes, after 00a. You learn where the transposes and the sums over rows come from, and what a
    closure keeps.
    """
    h = np.tanh(x @ W0 + b0)
    y = h @ W1 + b1

    def backward(g):
        raise NotImplementedError

    return y, backward


def jacobian(f, x, h):
    """The Jacobians of a function by finite differences of step h, with an error that falls as h².

    f takes points (N, n) and returns (N, m), each row on its own. Return (N, m, n): entry [r, i, j] is ∂f_i/∂x_j at
    row r. Ask f for 2n batches at most.

    Time: 20 minutes, after 00d–e. You learn to check any derivative, and to see from a slope which formula was used.
    """
    raise NotImplementedError


def names():
    """The mistakes in the file's five layers, A to E, each named by a code of `python -m nfedu explain`.

    Return {"A": "the-code", "B": …}. Guess first, by reading. Then ask `python -m nfedu check exercise_00.py:A`, and
    look up the page of the cause.

    Time: 20 minutes, after 00e. You learn to read a report of the checker, and what the commonest mistakes look like.
    """
    raise NotImplementedError


class Sinh:
    """x = sinh z in each coordinate. This one is right."""

    def __init__(self, n):
        self.n = n

    def parameters(self):
        return {}

    def z_to_x(self, z):
        def backward(g_x, g_log_det):
            return g_x * np.cosh(z) + g_log_det[:, None] * np.tanh(z)

        return np.sinh(z), np.log(np.cosh(z)).sum(axis=1), backward

    def x_to_z(self, x):
        def backward(g_z, g_log_det):
            return (g_z - g_log_det[:, None] * x / np.sqrt(1 + x**2)) / np.sqrt(1 + x**2)

        return np.arcsinh(x), -0.5 * np.log(1 + x**2).sum(axis=1), backward


class A(Sinh):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, lambda g_x, g_log_det: backward(g_x, -g_log_det)


class B(Sinh):
    def x_to_z(self, x):
        z, log_det, _ = super().x_to_z(x)
        return z, log_det, lambda g_z, g_log_det: g_z / np.sqrt(1 + x**2)


class C(Sinh):
    def z_to_x(self, z):
        _, log_det, backward = super().z_to_x(z.copy())
        return np.sinh(z, out=z), log_det, backward


class D(Sinh):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        mean = lambda g: np.full(len(g), g.mean())  # noqa: E731
        return x, mean(log_det), lambda g_x, g_log_det: backward(g_x, mean(g_log_det))


class E(Sinh):
    def x_to_z(self, x):
        z, log_det, backward = super().x_to_z(abs(x))
        return z, log_det, lambda g_z, g_log_det: np.sign(x) * backward(g_z, g_log_det)
