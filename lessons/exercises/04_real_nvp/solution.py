"""Lesson 04 · RealNVP: one solution, with derivations."""

import numpy as np


def affine(x_b, mu, alpha):
    """The changed half of an affine coupling, from x to z (N15, N16), and its backward.

    z_b = (x_b − μ) e^{−α}: ∂z_b/∂x_b = e^{−α}, ∂z_b/∂μ = −e^{−α}, and ∂z_b/∂α = −z_b. log_det = −Σ α: each α_i of a row
    gets −g_log_det of that row besides.
    """
    s = np.exp(-alpha)
    z_b = (x_b - mu) * s

    def backward(g_z, g_log_det):
        g_x = g_z * s
        g_alpha = -g_z * z_b - g_log_det[:, None]
        return g_x, -g_x, g_alpha

    return z_b, -alpha.sum(axis=1), backward


def checkerboard(C, H, W):
    """RealNVP's checkerboard mask.

    Pixel (r, c) of a channel stands at r W + c: build the board (H, W), repeat it for each channel, and flatten.
    """
    rows, columns = np.arange(H)[:, None], np.arange(W)
    board = (rows + columns) % 2 == 0
    return np.tile(board.ravel(), C)


def batch_norm(x, gamma, beta, eps):
    """Batch normalization as a flow layer in training, from x to z, with all of its gradient.

    With σ = √(v + ε) and u = (x − m)/σ: z = e^γ u + β, so g_β = Σ g_z, g_γ = Σ g_z e^γ u + Σ g_log_det (over rows; γ
    stands in every row's log_det), and g_u = g_z e^γ. A change dx moves m by mean(dx) and v by 2 mean((x − m) dx), so σ
    by mean(u dx), and du = (dx − mean(dx) − u mean(u dx))/σ. The map dx → du is symmetric, so backward is the same:
      g_x = (g_u − mean(g_u) − u mean(u g_u))/σ.
    log_det holds −log σ in each row: its gradient by σ is −G/σ with G = Σ g_log_det, and dσ = mean(u dx): −G u/(N σ).
    """
    m, v = x.mean(axis=0), x.var(axis=0)
    sigma = np.sqrt(v + eps)
    u = (x - m) / sigma

    def backward(g_z, g_log_det):
        G = g_log_det.sum()
        g_u = g_z * np.exp(gamma)
        g_x = (g_u - g_u.mean(axis=0) - u * (u * g_u).mean(axis=0)) / sigma
        g_x = g_x - G * u / (len(x) * sigma)
        return g_x, (g_u * u).sum(axis=0) + G, g_z.sum(axis=0)

    return np.exp(gamma) * u + beta, np.full(len(x), (gamma - np.log(sigma)).sum()), backward
