"""Lesson 05 · Mixing latents.

Fill in the blanks, then: python -m lessons grade 05 exercise_05.py
"""

import numpy as np


def coefficients(angles):
    """K coefficients from K − 1 angles: c_1 = cos φ_1, c_2 = sin φ_1 cos φ_2, c_3 = sin φ_1 sin φ_2 cos φ_3.

    And so on. The last has no cosine: c_K = sin φ_1 … sin φ_{K−1}. angles (K − 1,), K ≥ 2; return (K,). Show that
    their squares sum to 1.

    Time: 10 minutes. You learn to extend N17 from four latents to any number.
    """
    raise NotImplementedError


def mix(z, w):
    """A mixture in the ratio of given weights that is again a draw of N(0, I).

    z (K, N, n) holds K independent batches of draws of N(0, I), w (K,) weights ≥ 0, not all 0. Return (N, n): a linear
    combination of the batches whose coefficients are in the ratio of w.

    Time: 15 minutes. You learn which weights keep a Gaussian what it is, and what averaging does to its variance.
    """
    raise NotImplementedError


def mix_backward(z1, z2, z3, z4, phi, phi_prime, g):
    """Backward of the mixture N17, for latents (n,) and two angles; g (n,) is the loss's gradient with respect to Z.

    Return six gradients: with respect to the four latents, (n,) each, and to φ and φ', numbers. By gradient steps on
    the angles one finds the mixture nearest to an image.

    Time: 20 minutes. You learn that an angle is a parameter like any other, and where its sums come from.
    """
    raise NotImplementedError
