"""Mistakes that people make in lesson 07: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("iaf_of_maf", "alpha = -a\n    mu = -m * np.exp(-a)", "alpha = a\n    mu = m", "m and a are taken for μ and α"),
    ("iaf_of_maf", "mu = -m * np.exp(-a)", "mu = -m", "the scale acts on the shift as well"),
    ("iaf_of_maf", "* z + mu, mu, alpha", "* z + mu, m, alpha", "μ: wrong-term: it is the network's m"),
    ("iaf_of_maf", "mu, alpha, alpha.sum", "mu, a, alpha.sum", "α is the network's a"),
    ("iaf_of_maf", "alpha, alpha.sum(axis=1)", "alpha, a.sum(axis=1)", "logdet-sign"),
    ("log_prob", "conditioner(z)", "conditioner(x)", "this is a MAF's density"),
    ("log_prob", "log_det -= alpha", "log_det += alpha", "Σ α has the wrong sign"),
    ("log_prob", " - 0.5 * x.shape[1] * np.log(2 * np.pi)", "", "−(n/2) log 2π is missing"),
    ("log_prob", "range(x.shape[1])", "range(x.shape[1] + 1)", "raised IndexError"),
    ("log_prob", "(x[:, i] - mu[:, i]) * np.exp(-alpha[:, i])", "x[:, i] * np.exp(-alpha[:, i]) - mu[:, i]",
     "first the shift is taken off"),
    ("implicit", "J.swapaxes(1, 2)", "J", "J⁻ᵀ g belongs"),
    ("implicit", "np.linalg.solve(J.swapaxes(1, 2), g[:, :, None])[:, :, 0]", "np.einsum('nij,ni->nj', J, g)",
     "is the backward of f"),
    ("implicit", "-np.einsum", "np.einsum", "on the other side: a minus"),
    ("implicit", '"nip,ni->p", J_theta, g_x', '"nip,ni->np", J_theta, g_x', "all rows share θ"),
    ("implicit", "J_theta, g_x)", "J_theta, g)", "it is made of g"),
]  # fmt: skip
