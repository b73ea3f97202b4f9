"""Mistakes that people make in lesson 03: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("Coupling", "g_a = g_a + self.network_backward(a, h, g_b)", "self.network_backward(a, h, g_b)",
     "what comes out of the network is missing"),
    ("Coupling", "g_a = g_a + self.network_backward(a, h, g_b)", "g_a = self.network_backward(a, h, g_b)",
     "what arrives at the part that passes is missing"),
    ("Coupling", "* (1 - h**2)", "", "the slope of tanh is missing"),
    ("Coupling", "self.network_backward(a, h, -g_b)", "self.network_backward(a, h, g_b)",
     "x_to_z: gradient of the input: sign"),
    ("Coupling", "self.V.grad += h.T @ g", "self.V.grad = h.T @ g", "V.grad after two calls: grad-overwritten"),
    ("Coupling", "self.W.grad += a.T @ g_inside", "pass", "W.grad: path-missing"),
    ("rescaled", "z = x / s", "z = x * s", "z is x/s"),
    ("rescaled", "- np.log(abs(s)).sum()", "+ np.log(abs(s)).sum()", "Σ log|s| has the wrong sign"),
    ("rescaled", "np.log(abs(s)).sum()", "np.log(s).sum()", "log p with a negative s: nonfinite"),
    ("rescaled", " - np.log(abs(s)).sum()", "", "Σ log|s| is missing"),
    ("expected_area", "np.unique(-p,", "np.unique(p,", "the area below the level"),
    ("expected_area", "above + 0.5 * counts", "above", "half of them belong"),
    ("expected_area", "(p * A).sum() * cell", "A.mean()", "every cell has the same weight"),
    ("expected_area", "A = cell * ", "A = ", "each has an area"),
]  # fmt: skip
