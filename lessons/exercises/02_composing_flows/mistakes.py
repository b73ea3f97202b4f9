"""Mistakes that people make in lesson 02: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("solve", "np.linalg.solve(L, x.T).T", "np.linalg.solve(L.T, x.T).T", "it solves Lᵀ z = x"),
    ("solve", "g_x = np.linalg.solve(L.T, g.T).T", "g_x = np.linalg.solve(L, g.T).T", "L⁻ᵀ g belongs"),
    ("solve", "g_L = -g_x.T @ z", "g_L = g_x.T @ z", "gradient of L: sign"),
    ("solve", "g_L = -g_x.T @ z", "g_L = -g.T @ z", "made of g"),
    ("solve", "np.tril(g_L)", "g_L", "above the diagonal are no parameters"),
    ("solve", "np.tril(g_L)", "np.tril(g_L, -1)", "the diagonal is missing"),
    ("chain", "total = total + log_det", "total = log_det", "that of the last map alone"),
    ("chain", "in reversed(backwards)", "in backwards", "must meet the maps in reverse"),
    ("chain", "(g_out, g_log_det)\n        return",
     "(g_out, g_log_det)\n            g_log_det = 0 * g_log_det\n        return",
     "only the last map gets g_log_det"),
    ("chain", "for f in maps:", "for f in maps[::-1]:", "the maps are met in reverse"),
    ("missing_log_det", "return -np.log", "return np.log", "the negative belongs"),
    ("missing_log_det", "* side**2", "* side", "a cell of 400² has an area"),
    ("missing_log_det", "k = 400", "k = 600", "asked at 360000 points, expected at most 300,000"),
    ("missing_log_det", "return -np.log", "return abs", "the log-det: "),
    ("missing_log_det", "reshape(-1, 2)", "reshape(2, -1)", "log_density takes points (K, 2), got (2, 160000)"),
    ("missing_log_det", ".sum() * side**2", ".mean()", "the integral is that times its area"),
]  # fmt: skip
