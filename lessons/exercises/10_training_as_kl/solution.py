"""Lesson 10 · Training seen as KL, and as Gaussianization: one solution, with derivations."""

import numpy as np
from scipy.special import ndtri  # Φ⁻¹


def kl_after(A, b, m, S, m2, S2):
    """D_KL of two Gaussians after both have gone through x = A z + b (N24).

    x ~ N(A m + b, A S Aᵀ). KL = E_p[log p − log q] = ½ [tr(P S) + (m2 − m)ᵀ P (m2 − m) − n + log(det S2 / det S)] with
    P = S2⁻¹, since E[(x − m2)ᵀ P (x − m2)] = tr(P S) + (m2 − m)ᵀ P (m2 − m) and E[(x − m)ᵀ S⁻¹ (x − m)] = n. After the
    map P becomes A⁻ᵀ P A⁻¹: every A cancels, in the trace, in the quadratic form, and in the ratio of determinants.
    """
    m, m2 = A @ m + b, A @ m2 + b
    S, S2 = A @ S @ A.T, A @ S2 @ A.T
    P = np.linalg.inv(S2)
    ratio = np.linalg.slogdet(S2)[1] - np.linalg.slogdet(S)[1]
    kl = 0.5 * (np.trace(P @ S) + (m2 - m) @ P @ (m2 - m) - len(m) + ratio)
    return m, S, kl


def gaussianize(x, R):
    """One round of Gaussianization.

    Points in rows: R x for each is x Rᵀ. The empirical distribution function of a column takes its values to their
    ranks, (k + ½)/N, uniform on (0, 1); Φ⁻¹ makes them normal. argsort of argsort is the rank: the first says who
    stands at place k, the second at which place each one stands.
    """
    y = x @ R.T
    ranks = np.argsort(np.argsort(y, axis=0), axis=0)
    return ndtri((ranks + 0.5) / len(y))


def split_kl(S):
    """D_KL(N(0, S) ‖ N(0, I)) in its two parts.

    With d = diag S: D_KL(N(0, S) ‖ N(0, diag d)) = ½ [tr(diag(1/d) S) − n + Σ log d_i − log det S] = ½ [Σ log d_i −
    log det S], since the trace is n. A marginal N(0, d_i) from N(0, 1): ½ [d_i − 1 − log d_i]. The sum, ½ [tr S − n −
    log det S], is the whole: the Σ log d_i cancels.
    """
    d = np.diag(S)
    total_correlation = 0.5 * (np.log(d).sum() - np.linalg.slogdet(S)[1])
    return total_correlation, 0.5 * (d - 1 - np.log(d))
