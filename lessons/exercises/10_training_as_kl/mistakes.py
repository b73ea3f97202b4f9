"""Mistakes that people make in lesson 10: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("kl_after", "S, S2 = A @ S @ A.T,", "S, S2 = A.T @ S @ A,", "Aᵀ S A, where A S Aᵀ belongs"),
    ("kl_after", "np.linalg.slogdet(S2)[1] - np.linalg.slogdet(S)[1]", "np.linalg.slogdet(S)[1] - np.linalg.slogdet(S2)[1]",
     "det S2/det S, not the other way round"),
    ("kl_after", " - len(m) + ratio", " + ratio", "−n is missing"),
    ("kl_after", "P = np.linalg.inv(S2)", "P = S2", "the KL: "),
    ("kl_after", "m, m2 = A @ m + b, A @ m2 + b\n    S, S2 = A @ S @ A.T, A @ S2 @ A.T", "m, S = A @ m + b, A @ S @ A.T",
     "only the first Gaussian has gone through"),
    ("kl_after", "kl = 0.5 * (", "kl = (", "½ is missing"),
    ("gaussianize", "x @ R.T", "x @ R", "with points in rows, x Rᵀ"),
    ("gaussianize", "np.argsort(np.argsort(y, axis=0), axis=0)", "np.argsort(y, axis=0)", "who stands at a place"),
    ("gaussianize", "ndtri((ranks + 0.5) / len(y))", "(ranks + 0.5) / len(y)", "Φ⁻¹ is missing"),
    ("gaussianize", "ndtri((ranks + 0.5) / len(y))", "ndtri(ranks / len(y))", "nonfinite"),
    ("gaussianize", "ndtri((ranks + 0.5) / len(y))", "np.sort(ndtri((ranks + 0.5) / len(y)), axis=0)", "come sorted"),
    ("split_kl", "np.log(d).sum() - np.linalg.slogdet(S)[1]", "np.linalg.slogdet(S)[1] - np.log(d).sum()", "never negative"),
    ("split_kl", "0.5 * (np.log(d).sum() - np.linalg.slogdet(S)[1])", "0.5 * (d.sum() - len(d) - np.linalg.slogdet(S)[1])",
     "this is the whole KL"),
    ("split_kl", "0.5 * (d - 1 - np.log(d))", "0.5 * (d - np.log(d))", "−1 is missing"),
    ("split_kl", "0.5 * (d - 1 - np.log(d))", "0.5 * (d - 1 - np.log(d)).sum()", "one for each coordinate"),
]  # fmt: skip
