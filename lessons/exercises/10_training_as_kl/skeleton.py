"""Lesson 10 · Training seen as KL, and as Gaussianization.

Fill in the blanks, then: python -m lessons grade 10 exercise_10.py
"""

import numpy as np
from scipy.special import ndtri  # Φ⁻¹


def kl_after(A, b, m, S, m2, S2):
    """D_KL of two Gaussians after both have gone through x = A z + b (N24), by the formula for Gaussians.

    z ~ N(m, S) or N(m2, S2); A (n, n), b, m, m2 (n,). Return the mean and covariance of x in the first case, (n,) and
    (n, n), and the KL of the first from the second after the map, a number. Then compare it with the KL before.

    Time: 20 minutes. You learn the closed form of a KL, and to see on numbers that a bijection does not change it.
    """
    raise NotImplementedError


def gaussianize(x, R):
    """One round of Gaussianization: rotate, then make every coordinate normal by the ranks of the data.

    x (N, n), R (n, n) a rotation: each point becomes R x. Then, column by column, the value of rank k (k = 0 for the
    smallest of N) becomes Φ⁻¹((k + ½)/N); there are no ties. Return (N, n), rows in the order of x.

    Time: 15 minutes. You learn a flow's training step without a gradient: Φ⁻¹ of the empirical distribution function.
    """
    raise NotImplementedError


def split_kl(S):
    """D_KL(N(0, S) ‖ N(0, I)) in its two parts: what the dependence of coordinates adds, and what the marginals add.

    Return the total correlation, D_KL(N(0, S) ‖ N(0, diag S)), a number, and the KL of each marginal from N(0, 1),
    (n,). Their sum is the whole.

    Time: 20 minutes. You learn why Gaussianization alternates: marginal maps remove one part, rotations exchange the
    two.
    """
    raise NotImplementedError
