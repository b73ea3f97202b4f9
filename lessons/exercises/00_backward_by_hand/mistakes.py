"""Mistakes that people make in lesson 00: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("mlp", "g_W1 = h.T @ g", "g_W1 = g.T @ h", "gradient of W1: shape"),
    ("mlp", "g_b1 = g.sum(axis=0)", "g_b1 = g", "the sum over rows is missing"),
    ("mlp", "g_b1 = g.sum(axis=0)", "g_b1 = g.mean(axis=0)", "batch-factor"),
    ("mlp", "(g @ W1.T) * (1 - h**2)", "g @ W1.T", "the slope of tanh is missing"),
    ("mlp", "* (1 - h**2)", "* (1 - (x @ W0 + b0) ** 2)", "not 1 − a²"),
    ("mlp", "return g_a @ W0.T, g_W0, g_b0, g_W1, g_b1", "return g_a @ W0.T, g_W0, g_b0", "it returned 3 results"),
    ("jacobian", "(f(x + e) - f(x - e)) / (2 * h)", "(f(x + e) - f(x)) / h", "a difference to one side only"),
    ("jacobian", "/ (2 * h)", "/ h", "off by the factor 2"),
    ("jacobian", "axis=2)", "axis=1)", "axes are exchanged"),
    ("names", '"A": "logdet-sign"', '"A": "sign"', "A: not sign, which means: a gradient has the wrong sign"),
    ("names", '"D": "rows-mixed"', '"D": "mixed-rows"', "is no cause that the checker knows"),
]
