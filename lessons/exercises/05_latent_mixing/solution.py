"""Lesson 05 · Mixing latents: one solution, with derivations."""

import numpy as np


def coefficients(angles):
    """Coefficients for K latents from K − 1 angles.

    What is left after k coefficients is the product of the first k sines. Its square is split by cos² + sin² = 1 into
    the next coefficient's and the rest: by induction the squares sum to 1 for any number of angles.
    """
    rest = np.cumprod(np.concatenate([[1.0], np.sin(angles)]))
    return rest * np.concatenate([np.cos(angles), [1.0]])


def mix(z, w):
    """A mixture in the ratio of given weights that is again a draw of N(0, I).

    Σ c_k z_k of independent draws is Gaussian with mean 0 and covariance Σ c_k² I. So c = w/|w|, with the Euclidean
    length. With weights that sum to 1 the variance is Σ w_k² < 1: an average lies too near to 0.
    """
    c = w / np.sqrt((w**2).sum())
    return np.einsum("k,kni->ni", c, z)


def mix_backward(z1, z2, z3, z4, phi, phi_prime, g):
    """Backward of the mixture N17.

    Z = cos φ A + sin φ B with A = cos φ' z1 + sin φ' z2, B = cos φ' z3 + sin φ' z4. A latent's gradient is its
    coefficient times g. ∂Z/∂φ = −sin φ A + cos φ B, and ∂Z/∂φ' = cos φ (−sin φ' z1 + cos φ' z2) + sin φ (−sin φ' z3 +
    cos φ' z4). An angle moves every coordinate: its gradient is the sum over them, g · ∂Z/∂φ.
    """
    c, s = np.cos(phi), np.sin(phi)
    c_, s_ = np.cos(phi_prime), np.sin(phi_prime)
    A, B = c_ * z1 + s_ * z2, c_ * z3 + s_ * z4
    g_phi = g @ (-s * A + c * B)
    g_phi_prime = g @ (c * (-s_ * z1 + c_ * z2) + s * (-s_ * z3 + c_ * z4))
    return c * c_ * g, c * s_ * g, s * c_ * g, s * s_ * g, g_phi, g_phi_prime
