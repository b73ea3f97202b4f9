"""Lesson 01 · Change of variables.

Fill in the blanks, then: python -m lessons grade 01 exercise_01.py
"""

import numpy as np


def density(x):
    """The density of a map in the plane (N4): z ~ N(0, I), x_2 = z_2 + z_1²/4, then x_1 = z_1 exp(x_2/4).

    x (N, 2). Return z (N, 2), the determinant of ∂z/∂x (N,), and p(x) (N,). Start with a pencil, at x = (1, 0): four
    digits of p come out of three lines.

    Time: 15 minutes. You learn which Jacobian belongs into the density, and to undo a map in the right order.
    """
    raise NotImplementedError


def log_prob(x, A, b):
    """Log-density of x = A z + b for z ~ N(0, I), by the change of variables (N3).

    x (N, n), A (n, n), b (n,). Return (N,). Do it without the covariance, and without forming an inverse.

    Time: 15 minutes. You learn to write N3 for points in rows, and what log|det| does to a density.
    """
    raise NotImplementedError


class Sine:
    """The layer x = z + ½ sin z in each coordinate, undone by an iteration, with both of its backwards.

    Each direction returns its output, log|det| of its own Jacobian (N,), and backward(g_out, g_log_det), which returns
    the gradient with respect to its input. `python -m nfedu check exercise_01.py:Sine` judges it as well.

    Time: 40 minutes. You learn how a layer is made when its inverse has no formula, and why backward needs no
    iteration.
    """

    def __init__(self, n):
        self.n = n

    def parameters(self):
        return {}

    def z_to_x(self, z):
        raise NotImplementedError

    def x_to_z(self, x):
        raise NotImplementedError
