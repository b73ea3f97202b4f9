"""Lesson 09 · MintNet: one solution, with derivations."""

import numpy as np


def mask(C):
    """The mask of a 3×3 convolution from C channels to C channels that makes it triangular (type A).

    Order the coordinates channel by channel, each in raster order. Output (o, pixel) may see what is not after it: all
    of the channels i < o; of channel o the row above, the left neighbour, and itself; nothing of i > o. The centre tap
    from o to o is what stands on the diagonal.
    """
    past = np.array([[1, 1, 1], [1, 1, 0], [0, 0, 0]], dtype=bool)
    o, i = np.arange(C)[:, None], np.arange(C)[None]
    return (i < o)[:, :, None, None] | ((i == o)[:, :, None, None] & past)


def diagonal(t, w1, w2, w3, a1, a2):
    """The diagonal of MintNet's Jacobian at one pixel, made positive by signed centre taps (N23).

    Paths from x to its own z go through centre taps alone, filter j, then filter i: t + Σ_ij w3_i h'(a2_i) w2_ij
    h'(a1_j) w1_j, with h' = 1 − tanh² > 0. With the signs, w3_i w2_ij w1_j = |w3_i| |w2_ij| |w1_j|: every term is ≥ 0,
    and the sum is at least t. Sum over j first, then over i.
    """
    signed = np.sign(w3)[:, None] * np.sign(w1) * abs(w2)
    s1, s2 = 1 - np.tanh(a1) ** 2, 1 - np.tanh(a2) ** 2
    inner = (s1 * w1) @ signed.T
    return t + (inner * s2) @ w3


def largest_step(J, D):
    """The largest step with which MintNet's iteration still converges, near the solution.

    An error e of x becomes (I − a D⁻¹ J) e: a triangular matrix, whose eigenvalues are its diagonal, 1 − a J_ii/D_i.
    All must be smaller than 1 in modulus: 0 < a J_ii/D_i < 2. So a < 2 D_i/J_ii for every coordinate and row; with the
    right diagonal, D = diag J, that is a < 2, and at a = 1 the matrix is nilpotent.
    """
    d = np.einsum("nii->ni", J)
    return 2 * (D / d).min()
