"""Mixing latents: four samples' styles in one, by coefficients that keep a standard normal what it is (N17)."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array


def mix_latents(z1: Array, z2: Array, z3: Array, z4: Array, phi: Any, phi_prime: Any) -> Array:
    """Return cos φ (cos φ' z1 + sin φ' z2) + sin φ (cos φ' z3 + sin φ' z4) (N17).

    The latents have one shape, (n,) or (N, n); `phi`, `phi_prime` are angles in radians, numbers or arrays. The result
    has shape (angles' shape, n), where angles and rows are broadcast: one latent (n,) each and angles (K,) give (K, n).
    Raises ValueError for latents of different shapes, or angles that do not fit.
    """
    z = [np.asarray(latent) for latent in (z1, z2, z3, z4)]
    if len({latent.shape for latent in z}) > 1 or z[0].ndim not in (1, 2):
        raise ValueError(
            f"mix_latents: the latents have shapes {[latent.shape for latent in z]}, expected one shape, (n,) or (N, n)"
        )
    try:
        c = mixing_coefficients(phi, phi_prime)[..., None].astype(np.result_type(*z, np.float32))
        return c[0] * z[0] + c[1] * z[1] + c[2] * z[2] + c[3] * z[3]  # N17
    except ValueError:
        raise ValueError(
            f"mix_latents: angles of shapes {np.shape(phi)} and {np.shape(phi_prime)} do not fit each other, or not "
            f"the latents of shape {z[0].shape}; give one pair of angles, or one for each row"
        ) from None


def mixing_coefficients(phi: Any, phi_prime: Any) -> Array:
    """Return (cos φ cos φ', cos φ sin φ', sin φ cos φ', sin φ sin φ'), (4, angles' shape): their squares sum to 1.

    So for independent z_i ~ N(0, I) the mixture is N(0, I) too: its covariance is Σ c_i² I.
    """
    phi, phi_prime = np.broadcast_arrays(np.asarray(phi, float), np.asarray(phi_prime, float))
    outer, inner = (np.cos(phi), np.sin(phi)), (np.cos(phi_prime), np.sin(phi_prime))
    return np.stack([a * b for a in outer for b in inner])
