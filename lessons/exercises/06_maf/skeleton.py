"""Lesson 06 · MAF: masked autoregressive flow.

Fill in the blanks, then: python -m lessons grade 06 exercise_06.py
"""

import numpy as np


def masks(n, degrees):
    """The masks of a MADE for n inputs: which weights may be other than 0.

    `degrees` lists the degrees of each hidden layer's units, an array a layer, numbers from 1 to n − 1; input i has the
    degree i, from 1. A hidden unit of degree k may see units of degrees ≤ k, output i units of degrees < i. There is
    one output a coordinate. Return one array of booleans for each layer of weights, (its inputs, its outputs). Draw the
    network for n = 3 with a pencil first.

    Time: 20 minutes. You learn where ≤ belongs and where <, and that forbidden paths stay forbidden when masks compose.
    """
    raise NotImplementedError


def sample(z, conditioner):
    """Sampling from a MAF (N18), one coordinate after the other: z (N, n) to x and log|det ∂x/∂z|.

    conditioner(x) takes (N, n) and returns μ and α, (N, n) each, where column i depends on the columns of x before i
    alone; it takes finite numbers only. Ask it n times at most. Return x (N, n) and log_det (N,).

    Time: 20 minutes. You learn why sampling is slow: what has to be there before what can be asked.
    """
    raise NotImplementedError


def log_prob(x, conditioner):
    """Log-density of an autoregressive model whose conditionals are normal, x_i | x_<i ~ N(μ_i, e^{2α_i}) (N18).

    conditioner is that of `sample`. Return (N,), from one call of it.

    Time: 15 minutes. You learn that an autoregressive model with normal conditionals *is* a flow, and its log-det.
    """
    raise NotImplementedError
