"""Lesson 06 · MAF: one solution, with derivations."""

from itertools import pairwise

import numpy as np


def masks(n, degrees):
    """The masks of a MADE for n inputs.

    A path from input j to output i goes through units of degrees j ≤ k_1 ≤ … ≤ k_L < i: so j < i, whatever the layers.
    Were the hidden rule <, a path would gain a degree at each layer: nothing forbidden passes, but much that is allowed
    is lost. Were the output's rule ≤, x_i would see itself. At n = 3 with degrees 1, 2: output 1 sees nothing, a
    constant; output 2 sees unit 1 and through it x_1; output 3 sees both units, and x_1, x_2.
    """
    inputs = np.arange(1, n + 1)
    layers = [inputs, *map(np.asarray, degrees)]
    hidden = [below[:, None] <= above for below, above in pairwise(layers)]
    return [*hidden, layers[-1][:, None] < inputs]


def sample(z, conditioner):
    """Sampling from a MAF (N18), one coordinate after the other.

    μ_1 and α_1 are constants: any x will do to ask for them. Then x_1 is known, and with it μ_2 and α_2; what stands in
    the later columns does not matter. After n rounds all are there. ∂x/∂z is triangular with e^{α_i} on its diagonal
    (x_i depends on z_i directly, and on earlier z through μ and α): log|det| = Σ α_i.
    """
    x = np.zeros_like(z)
    alphas = np.zeros_like(z)
    for i in range(z.shape[1]):
        mu, alpha = conditioner(x)
        x[:, i] = np.exp(alpha[:, i]) * z[:, i] + mu[:, i]
        alphas[:, i] = alpha[:, i]
    return x, alphas.sum(axis=1)


def log_prob(x, conditioner):
    """Log-density of an autoregressive model whose conditionals are normal.

    log p(x) = Σ log N(x_i; μ_i, e^{2α_i}) = Σ [−½ ((x_i − μ_i) e^{−α_i})² − α_i − ½ log 2π]. With z_i = (x_i − μ_i)
    e^{−α_i} that is log N(z; 0, I) − Σ α_i: the flow's formula, term by term.
    """
    mu, alpha = conditioner(x)
    z = (x - mu) * np.exp(-alpha)
    return (-0.5 * z**2 - alpha - 0.5 * np.log(2 * np.pi)).sum(axis=1)
