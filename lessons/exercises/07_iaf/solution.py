"""Lesson 07 · IAF: one solution, with derivations."""

import numpy as np


def iaf_of_maf(z, maf):
    """The IAF that a MAF's network makes when z and x are exchanged (N20).

    Exchange the letters in the MAF's inverse pass: x_i = (z_i − m_i(z_<i)) e^{−a_i(z_<i)}. The network now looks at z,
    all of which is there: one pass. Written as e^α z + μ: α = −a and μ = −m e^{−a}. ∂x/∂z is triangular with e^{α_i} on
    its diagonal: log|det| = Σ α = −Σ a.
    """
    m, a = maf(z)
    alpha = -a
    mu = -m * np.exp(-a)
    return np.exp(alpha) * z + mu, mu, alpha, alpha.sum(axis=1)


def log_prob(x, conditioner):
    """Log-density of a given x under an IAF with a standard normal base (N19).

    z_i = (x_i − μ_i(z_<i)) e^{−α_i(z_<i)} needs the z before it: z_1 from constants, then z_2, and so on, n rounds.
    Then log p(x) = log N(z; 0, I) + log|det ∂z/∂x| = log N(z; 0, I) − Σ α. For a sample of its own z is known: one
    pass.
    """
    z = np.zeros_like(x)
    log_det = np.zeros(len(x))
    for i in range(x.shape[1]):
        mu, alpha = conditioner(z)
        z[:, i] = (x[:, i] - mu[:, i]) * np.exp(-alpha[:, i])
        log_det -= alpha[:, i]
    return -0.5 * (z**2).sum(axis=1) - 0.5 * x.shape[1] * np.log(2 * np.pi) + log_det


def implicit(J, J_theta, g):
    """Backward of a map that is only known as a solution.

    f(z(x, θ), θ) = x holds for all x and θ: J dz + J_θ dθ = dx, so dz = J⁻¹ (dx − J_θ dθ). Then
      ⟨g, dz⟩ = ⟨J⁻ᵀ g, dx⟩ − ⟨J_θᵀ J⁻ᵀ g, dθ⟩:
    with g_x = J⁻ᵀ g, one solve with the transposed matrix for each row, the gradient of θ is −Σ_rows J_θᵀ g_x. How z
    was found does not enter.
    """
    g_x = np.linalg.solve(J.swapaxes(1, 2), g[:, :, None])[:, :, 0]
    return g_x, -np.einsum("nip,ni->p", J_theta, g_x)
