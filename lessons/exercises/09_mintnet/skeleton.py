"""Lesson 09 · MintNet: masked convolutions.

Fill in the blanks, then: python -m lessons grade 09 exercise_09.py
"""

import numpy as np


def mask(C):
    """The mask of a 3×3 convolution from C channels to C channels that makes it triangular (type A).

    A convolution here multiplies tap [r, c] with the pixel r − 1 rows below and c − 1 columns to the right (so [0, 0]
    is the upper left neighbour, [1, 1] the centre). Output channel o may see the input channels before it whole, and of
    channel o what is earlier in the raster (rows first) and the centre. Return booleans (C, C, 3, 3): [o, i, r, c].

    Time: 15 minutes. You learn which order of coordinates makes a convolution's Jacobian a triangle.
    """
    raise NotImplementedError


def diagonal(t, w1, w2, w3, a1, a2):
    """The diagonal of MintNet's Jacobian at one pixel, made positive by signed centre taps (N23), for h = tanh.

    t > 0 is a number; w1 (K,), w2 (K, K) and w3 (K,) are the centre taps as they are learned, w2[i, j] from filter j to
    filter i; a1 and a2 (N, K) are what h is applied to. w2 is used as sign(w3_i) sign(w1_j) |w2_ij|. Return (N,).

    Time: 20 minutes. You learn how a chain rule over K² paths becomes two matrix products, and what the signs buy.
    """
    raise NotImplementedError


def largest_step(J, D):
    """The largest step with which MintNet's iteration x ← x + a D⁻¹ (z − L(x)) still converges, near the solution.

    J (N, n, n) are L's Jacobians at the solutions of N rows, lower triangular with positive diagonals; D (N, n) > 0 is
    the diagonal that somebody uses, right or not. Return one number: for every 0 < a below it all rows converge.

    Time: 25 minutes. You learn to read convergence from an iteration's own Jacobian: why a < 2, and what a wrong D
    costs.
    """
    raise NotImplementedError
