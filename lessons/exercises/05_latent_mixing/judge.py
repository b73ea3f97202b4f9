"""Judges lesson 05: coefficients on a sphere, a mixture that stays normal, its gradients."""

import numpy as np
from scipy.stats import kstest

from nfedu.course.exercises.judging import WrongError, expect, numbers, parts

HINTS = {
    "coefficients": (
        "Start with rest = 1. Each angle splits it: the coefficient is rest · cos φ, what is left is rest · sin φ.",
        "The last coefficient is what is left after all angles: there are K − 1 angles for K coefficients.",
    ),
    "mix": (
        "Of independent draws, Σ c_k z_k has variance Σ c_k² in each coordinate.",
        "So the squares of the coefficients must sum to 1: divide w by the right length.",
    ),
    "mix_backward": (
        "Z is linear in each latent: its gradient is its coefficient times g.",
        "Write Z = cos φ A + sin φ B and differentiate by φ; an angle moves every coordinate, so sum over them.",
        "φ' is inside of A and of B: both count.",
    ),
}


def coefficients(theirs, rng):
    for K in (4, 2, 3, 7):
        angles = rng.uniform(0, 2 * np.pi, K - 1)
        right = [np.prod(np.sin(angles[:k])) * (np.cos(angles[k]) if k < K - 1 else 1.0) for k in range(K)]
        given = numbers("the coefficients", theirs(angles), 1)
        if given.shape == (K - 1,):
            raise WrongError(f"the coefficients: shape: {K - 1} for {K - 1} angles, expected one more", 2)
        if given.shape == (K,) and abs((given**2).sum() - 1) > 1e-9:
            words = f"their squares sum to {(given**2).sum():.4g}, expected 1, for angles {angles.round(2).tolist()}"
            raise WrongError(f"the coefficients: {words}", 1)
        expect("the coefficients", given, right, 2, typical={
            "permuted: they come in reverse order": right[::-1],
            "permuted: cosines and sines are exchanged": [
                np.prod(np.cos(angles[:k])) * (np.sin(angles[k]) if k < K - 1 else 1.0) for k in range(K)],
        })  # fmt: skip


def mix(theirs, rng):
    for K, n in ((3, 2), (1, 2), (5, 3)):
        z, w = rng.standard_normal((K, 400, n)), rng.uniform(0.1, 2, K)
        w[0] = 0 if K > 1 else w[0]
        given = numbers("the mixture", theirs(z, w), 1)
        sums = np.einsum("k,kni->ni", w, z)
        if given.shape == sums.shape and np.isfinite(given).all():
            scale = float((given * sums).sum() / (sums**2).sum())
            variance = scale**2 * (w**2).sum()
            if abs(given - scale * sums).max() < 1e-8 and abs(variance - 1) > 1e-8:
                p = kstest(given.ravel(), "norm").pvalue
                words = f"its variance is {variance:.4g}, expected 1 (Kolmogorov–Smirnov: p = {p:.1g})"
                raise WrongError(f"the mixture: {words}", 2)
        expect("the mixture", given, sums / np.linalg.norm(w), 1, typical={
            "wrong-term: √(w/Σw) keeps the variance, but is not in the ratio of w": np.einsum(
                "k,kni->ni", np.sqrt(w / w.sum()), z),
            "sign: the variance is right, the sign is turned": -sums / np.linalg.norm(w),
        })  # fmt: skip


def mix_backward(theirs, rng):
    for n, sign in ((3, 1), (1, -1), (5, 1)):  # of the sines
        z, g = rng.standard_normal((4, n)), rng.standard_normal(n)
        phi, phi_prime = (float(angle) for angle in rng.uniform(0, np.pi, 2) * [sign, -sign])
        outer, inner = np.array([np.cos(phi), np.sin(phi)]), np.array([np.cos(phi_prime), np.sin(phi_prime)])
        turned = np.array([[0, -1], [1, 0]])  # (cos, sin)' = (−sin, cos)
        c = np.kron(outer, inner)
        given = parts("mix_backward", theirs(*z, phi, phi_prime, g), 6, 1, "of four latents and two angles")
        for k in range(4):
            expect(f"gradient of z{k + 1}", given[k], c[k] * g, 1, typical={
                "permuted: sin φ' and cos φ' belong to the other one": np.kron(outer, inner[::-1])[k] * g,
                "permuted: φ and φ' are exchanged": np.kron(inner, outer)[k] * g,
            })  # fmt: skip
        by_phi, by_phi_prime = np.kron(turned @ outer, inner) @ z, np.kron(outer, turned @ inner) @ z
        for name, value, derivative, hint in (("φ", given[4], by_phi, 2), ("φ'", given[5], by_phi_prime, 3)):
            if np.shape(value) == (n,) and n > 1:
                words = "it has one number a coordinate: an angle moves all of them, so sum"
                raise WrongError(f"gradient of {name}: shape: {words}", hint)
            halves = {
                "path-missing: φ' is in the mixture of z3 and z4 too": g @ (outer[0] * (turned @ inner) @ z[:2]),
                "path-missing: φ' is in the mixture of z1 and z2 too": g @ (outer[1] * (turned @ inner) @ z[2:]),
            }
            expect(f"gradient of {name}", np.reshape(value, ()), g @ derivative, hint, typical={
                "wrong-term: it is g · Z: nothing has been differentiated": g @ (c @ z),
                "sign: the derivative of cos is −sin": g @ (np.kron(abs(turned) @ outer, inner) @ z) if hint == 2
                else g @ (np.kron(outer, abs(turned) @ inner) @ z),
                **(halves if hint == 3 else {}),
            })  # fmt: skip
