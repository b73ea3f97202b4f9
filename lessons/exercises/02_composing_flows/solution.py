"""Lesson 02 · Composing flows, and learning them: one solution, with derivations."""

import numpy as np


def solve(L, x):
    """A triangular solve and its backward.

    For a row: L z = x. Change all a little: L dz + dL z = dx, so dz = L⁻¹ (dx − dL z). Then
      ⟨g, dz⟩ = ⟨L⁻ᵀ g, dx − dL z⟩ = ⟨g_x, dx⟩ − Σ_ij (g_x)_i dL_ij z_j   with g_x = L⁻ᵀ g:
    one more solve, with the transposed matrix, gives the gradient of x, and that of L is −g_x zᵀ, summed over rows:
    −g_xᵀ z with points in rows. Only L's lower triangle may move.
    """
    z = np.linalg.solve(L, x.T).T

    def backward(g):
        g_x = np.linalg.solve(L.T, g.T).T
        g_L = -g_x.T @ z
        return g_x, np.tril(g_L)

    return z, backward


def chain(maps, y):
    """Composition of maps (N7).

    Jacobians multiply, so determinants do, and their logarithms add. The total log_det is a sum: each map's own log_det
    gets the whole g_log_det. What reaches a map's output is what the next map's backward returned for its input, which
    holds the gradient of all later log-dets already; so the last map goes first.
    """
    total, backwards = 0, []
    for f in maps:
        y, log_det, backward_f = f(y)
        total = total + log_det
        backwards.append(backward_f)

    def backward(g_out, g_log_det):
        for backward_f in reversed(backwards):
            g_out = backward_f(g_out, g_log_det)
        return g_out

    return y, total, backward


def missing_log_det(log_density, low, high):
    """A log-det that somebody forgot, found from ∫p = 1.

    log p = log_density + c with one c, and 1 = ∫p = e^c ∫ exp(log_density): c = −log ∫ exp(log_density). A grid of
    midpoints integrates a smooth density that vanishes at the edges to many digits: each cell counts with its area.
    """
    k = 400
    side = (high - low) / k
    line = low + side * (np.arange(k) + 0.5)
    points = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    return -np.log(np.exp(log_density(points)).sum() * side**2)
