"""Lesson 04 · RealNVP: affine coupling.

Fill in the blanks, then: python -m lessons grade 04 exercise_04.py
"""

import numpy as np


def affine(x_b, mu, alpha):
    """The changed half of an affine coupling, from x to z (N15, N16), and its backward.

    All three arguments are (N, b). Return z_b, log_det (N,) and a function backward(g_z, g_log_det). That returns the
    gradients with respect to x_b, μ and α, (N, b) each.

    Time: 20 minutes. You learn that the gradient meets α twice: through z_b, and through the log-det.
    """
    raise NotImplementedError


def checkerboard(C, H, W):
    """RealNVP's checkerboard mask of images with C channels, flattened channel after channel, row after row.

    Return C·H·W booleans, true where row + column is even: there a pixel passes, in every channel.

    Time: 10 minutes. You learn how a flattened image is laid out, which a wrong mask hides well.
    """
    raise NotImplementedError


def batch_norm(x, gamma, beta, eps):
    """Batch normalization as a flow layer in training, from x to z, with all of its gradient.

    With the batch's mean m and variance v (the mean of squares, no N − 1) of each column: z = e^γ (x − m)/√(v + ε) + β,
    and a row's log_det is Σ [γ − ½ log(v + ε)]. x (N, n), γ and β (n,). Return z, log_det (N,) and a function
    backward(g_z, g_log_det), which returns the gradients with respect to x, γ and β. m and v depend on every row.

    Time: 40 minutes. You learn to differentiate through statistics, where most wrong backwards are found.
    """
    raise NotImplementedError
