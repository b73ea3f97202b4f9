"""Mistakes that people make in lesson 04: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("affine", "(x_b - mu) * s", "x_b * s - mu", "first the shift is taken off"),
    ("affine", "-alpha.sum(axis=1)", "alpha.sum(axis=1)", "logdet-sign"),
    ("affine", " - g_log_det[:, None]", "", "what comes from g_log_det is missing"),
    ("affine", " - g_log_det[:, None]", " + g_log_det[:, None]", "what comes from g_log_det has the wrong sign"),
    ("affine", "-g_z * z_b", "g_z * z_b", "what comes through z_b has the wrong sign"),
    ("affine", "return g_x, -g_x, g_alpha", "return g_x, g_x, g_alpha", "gradient of μ: sign"),
    ("checkerboard", "% 2 == 0", "% 2 == 1", "an odd row + column pass"),
    ("checkerboard", "np.tile(board.ravel(), C)", "np.arange(C * H * W) % 2 == 0", "it counts pixels"),
    ("checkerboard", "np.tile(board.ravel(), C)", "np.repeat(board.ravel(), C)", "a channel should be whole"),
    ("batch_norm", "(g_u - g_u.mean(axis=0) - u * (u * g_u).mean(axis=0)) / sigma", "g_u / sigma",
     "m and v are taken for constants"),
    ("batch_norm", " - u * (u * g_u).mean(axis=0)", "", "v depends on x too"),
    ("batch_norm", "g_x = g_x - G * u / (len(x) * sigma)", "pass", "log_det depends on x through v"),
    ("batch_norm", "(g_u * u).sum(axis=0) + G", "(g_u * u).sum(axis=0)", "γ stands in every row's log_det"),
    ("batch_norm", "u = (x - m) / sigma", "x -= m\n    u = x / sigma", "input-modified: it writes into x"),
    ("batch_norm", "x.var(axis=0)\n", "x.var(axis=0, ddof=1)\n", "without N − 1"),
]  # fmt: skip
