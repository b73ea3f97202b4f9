"""Mistakes that people make in lesson 01: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("density", "z2 = x[:, 1] - z1**2 / 4", "z2 = x[:, 1] - x[:, 0] ** 2 / 4", "z_2 needs z_1²"),
    ("density", "det = np.exp(-x[:, 1] / 4)", "det = np.exp(x[:, 1] / 4)", "the determinant of the other direction"),
    ("density", "det = np.exp(-x[:, 1] / 4)", "det = np.exp(-x[:, 1] / 4) * (1 + z1**2 / 8)", "not triangular"),
    ("density", "/ (2 * np.pi) * det", "/ (2 * np.pi) / det", "divided by |det"),
    ("density", "/ (2 * np.pi) * det", "/ np.sqrt(2 * np.pi) * det", "each coordinate has one"),
    ("log_prob", "np.linalg.solve(A, (x - b).T).T", "np.linalg.solve(A.T, (x - b).T).T", "here Aᵀ is taken"),
    ("log_prob", "(x - b).T", "x.T", "b is not taken off"),
    ("log_prob", "- np.linalg.slogdet(A)[1]", "+ np.linalg.slogdet(A)[1]", "log|det A| has the wrong sign"),
    ("log_prob", "0.5 * n * np.log(2 * np.pi)", "0.5 * np.log(2 * np.pi)", "each of the n coordinates"),
    ("Sine", "g_x * slope - g_log_det", "g_x * slope + g_log_det", "gradient-logdet-term"),
    ("Sine", "(g_z + g_log_det[:, None] * 0.5 * np.sin(z) / s) / s",
     "g_z + g_log_det[:, None] * 0.5 * np.sin(z) / s**2",
     "what comes from g_out is not divided"),
    ("Sine", "(g_z + g_log_det[:, None] * 0.5 * np.sin(z) / s) / s",
     "g_z / s + g_log_det[:, None] * 0.5 * np.sin(z) / s",
     "must be divided by the slope, too"),
    ("Sine", "return z, -np.log(s)", "return z, np.log(s)", "logdet-sign: x_to_z: log_det"),
    ("Sine", "for _ in range(6):", "for _ in range(0):", "inexact"),
]  # fmt: skip
