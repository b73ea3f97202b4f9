"""Mistakes that people make in lesson 06: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("masks", "below[:, None] <= above", "below[:, None] < above", "too much is cut"),
    ("masks", "layers[-1][:, None] < inputs", "layers[-1][:, None] <= inputs", "only inputs before it are allowed"),
    ("masks", "layers[-1][:, None] < inputs", "(layers[-1] < inputs[:, None])", "expected (inputs, outputs)"),
    ("masks", "return [*hidden, layers[-1][:, None] < inputs]", "return hidden", "one for each layer of weights"),
    ("masks", "np.arange(1, n + 1)", "np.arange(n)", "here the first one has 0"),
    ("sample", "mu, alpha = conditioner(x)\n        x[:, i]", "mu, alpha = conditioner(z)\n        x[:, i]",
     "this is an IAF"),
    ("sample", "np.exp(alpha[:, i]) * z[:, i] + mu[:, i]", "(z[:, i] - mu[:, i]) * np.exp(-alpha[:, i])",
     "is the way back"),
    ("sample", "x = np.zeros_like(z)", "x = np.full_like(z, np.nan)", "takes finite numbers only"),
    ("sample", "return x, alphas.sum(axis=1)", "return x, -alphas.sum(axis=1)", "logdet-sign"),
    ("sample", "return x, alphas.sum(axis=1)", "return x, conditioner(x)[1].sum(axis=1)",
     "asked 4 times, expected n = 3"),
    ("log_prob", "- alpha - 0.5", "+ alpha - 0.5", "Σ α has the wrong sign"),
    ("log_prob", "- alpha - 0.5", "- 0.5", "−Σ α is missing"),
    ("log_prob", "np.exp(-alpha)\n    return (-0.5", "np.exp(-2 * alpha)\n    return (-0.5", "divided by e^{2α}"),
    ("log_prob", " - 0.5 * np.log(2 * np.pi)).sum(axis=1)", ").sum(axis=1)", "−½ log 2π is missing"),
]  # fmt: skip
