"""Mistakes that people make in lesson 00: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("mlp", "g_W1 = h.T @ g", "g_W1 = g.T @ h", "gradient of W1: shape"),
    ("mlp", "g_b1 = g.sum(axis=0)", "g_b1 = g", "the sum over rows is missing"),
    ("mlp", "g_b1 = g.sum(axis=0)", "g_b1 = g.mean(axis=0)", "batch-factor"),
    ("mlp", "g_b0 = g_a.sum(axis=0)", "g_b0 = g_a.sum(0, keepdims=True)", "gradient of b0: shape: it has shape (1, 4), "
     "expected (4,): one axis too many, of length 1: drop keepdims"),
    ("mlp", "return g_a @ W0.T,", "g *= 2\n        return g_a @ W0.T,", "input-modified: it writes into g"),
    ("mlp", "g_W0 = x.T @ g_a", "g_W0 = g_a.T @ x", "last two axes are exchanged"),
    ("mlp", "(g @ W1.T) * (1 - h**2)", "g @ W1.T", "the slope of tanh is missing"),
    ("mlp", "* (1 - h**2)", "* (1 - (x @ W0 + b0) ** 2)", "not 1 − a²"),
    ("mlp", "return g_a @ W0.T, g_W0, g_b0, g_W1, g_b1", "return g_a @ W0.T, g_W0, g_b0", "it returned 3 results"),
    ("jacobian", "(f(x + e) - f(x - e)) / (2 * h)", "(f(x + e) - f(x)) / h", "a difference to one side only"),
    ("jacobian", "/ (2 * h)", "/ h", "off by the factor 2"),
    ("jacobian", "axis=2)", "axis=1)", "axes are exchanged"),
    ("jacobian", "e = np.zeros(x.shape[1])\n        e[j] = h\n        columns.append((f(x + e) - f(x - e)) / (2 * h))",
     "y = f(x)\n        x[:, j] += h\n        columns.append((f(x) - y) / h)", "input-modified: it writes into x"),
    ("jacobian", "e[j] = h", "e[j] = 1e-4", "it does not depend on h"),
    ("jacobian", "columns = []", "columns, _ = [], f(x)", "7 batches, where 2n = 6 are enough"),
    ("jacobian", "f(x + e)", "f((x + e)[0])", "f takes (N, n) = (4, 3), got (3,) (answer.py:"),
    ("names", '"A": "logdet-sign"', '"A": "sign"', "A: not sign, which means: a gradient has the wrong sign"),
    ("names", '"D": "rows-mixed"', '"D": "mixed-rows"', "is no cause that the checker knows"),
]  # fmt: skip
