"""Lesson 08 · Probability density distillation: one solution, with derivations."""

import numpy as np


def kl_gradient(z, mu, alpha, score):
    """The gradient of D_KL(s‖t) for the simplest student, x = e^α z + μ.

    At x = f(z): log s(x) = log p_Z(z) − Σ α, and z does not depend on μ and α. So D = E[log p_Z(z) − Σ α − log t(x)].
    ∂x_i/∂μ_i = 1: the gradient of μ is −E[score]. ∂x_i/∂α_i = e^{α_i} z_i, and −Σ α has the slope −1:
    the gradient of α is −1 − E[score · e^α z].
    """
    s = np.exp(alpha)
    g_x = -score(s * z + mu)
    return g_x.mean(axis=0), (g_x * s * z).mean(axis=0) - 1


def kl_estimate(z, log_det, log_t):
    """D_KL(s‖t) from the student's own samples, and how far to trust it (N21).

    log s(x) = log p_Z(z) − log|det ∂x/∂z|: z is known, nothing is inverted. The mean of log s − log t over N
    independent samples has the standard deviation of one of them divided by √N.
    """
    N, n = z.shape
    log_s = -0.5 * (z**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi) - log_det
    ratio = log_s - log_t
    return ratio.mean(), ratio.std(ddof=1) / np.sqrt(N)


def least_kl(weights, covered):
    """What a student pays that drops modes.

    Within a mode the student does best to follow the teacher's shape. With the weights q_k on the modes it covers,
    KL = Σ q_k log(q_k / w_k). Let w = Σ w_k over the covered ones, and r_k = w_k / w: then KL = Σ q_k log(q_k / r_k) −
    log w, and the first part is a KL, least at 0 for q = r. So −log w, never 0 unless w = 1; but finite, where
    D_KL(t‖s) would be infinite.
    """
    w = weights[covered].sum()
    return -np.log(w), np.where(covered, weights, 0) / w
