"""Lesson 07 · IAF: inverse autoregressive flow.

Fill in the blanks, then: python -m lessons grade 07 exercise_07.py
"""

import numpy as np


def iaf_of_maf(z, maf):
    """The IAF that a MAF's network makes when z and x are exchanged (N20).

    maf(y) takes (N, n) and returns m and a, (N, n) each, column i from the columns of y before i; the MAF's inverse
    pass is z_i = (x_i − m_i(x_<i)) e^{−a_i(x_<i)}. Return what it makes of latents, x (N, n), and μ and α of this IAF
    as N19 writes it, x_i = e^{α_i(z_<i)} z_i + μ_i(z_<i), and log|det ∂x/∂z| (N,).

    Time: 15 minutes. You learn that both names stand for one computation, and what becomes of the weights' meaning.
    """
    raise NotImplementedError


def log_prob(x, conditioner):
    """Log-density of a given x under an IAF with a standard normal base (N19), one coordinate after the other.

    conditioner(z) takes (N, n) and returns μ and α, column i from the columns of z before i. Ask it n times at most.
    Return (N,).

    Time: 20 minutes. You learn what makes an IAF's density slow, and why that of its own samples is free.
    """
    raise NotImplementedError


def implicit(J, J_theta, g):
    """Backward of a map that is only known as a solution: z solves f(z, θ) = x, however that was done.

    At the solution, for each row: J = ∂f/∂z (N, n, n), J_theta = ∂f/∂θ (N, n, p). g (N, n) is the loss's gradient with
    respect to z. Return the gradients with respect to x (N, n) and θ (p,), which all rows share. Form no inverse.

    Time: 25 minutes. You learn the implicit function theorem as a backward: one transposed solve, no iteration.
    """
    raise NotImplementedError
