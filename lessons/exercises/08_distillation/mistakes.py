"""Mistakes that people make in lesson 08: part, the solution's lines, wrong ones, and words of the verdict."""

MISTAKES = [
    ("kl_gradient", "g_x = -score", "g_x = score", "log t has a minus in the KL"),
    ("kl_gradient", "g_x.mean(axis=0), (", "g_x.sum(axis=0), (", "expected the mean"),
    ("kl_gradient", "score(s * z + mu)", "score(z)", "the score is asked at z"),
    ("kl_gradient", ".mean(axis=0) - 1", ".mean(axis=0)", "−1 is missing"),
    ("kl_gradient", ".mean(axis=0) - 1", ".mean(axis=0) + 1", "not +1"),
    ("kl_gradient", "(g_x * s * z)", "(g_x * z)", "e^α is missing"),
    ("kl_estimate", "np.log(2 * np.pi) - log_det", "np.log(2 * np.pi) + log_det", "logdet-sign"),
    ("kl_estimate", " - 0.5 * n * np.log(2 * np.pi)", "", "−(n/2) log 2π is missing"),
    ("kl_estimate", "ratio = log_s - log_t", "ratio = log_t - log_s", "the mean of log t − log s"),
    ("kl_estimate", "ratio.std(ddof=1) / np.sqrt(N)", "ratio.std(ddof=1)", "smaller by √N"),
    ("kl_estimate", "ratio.std(ddof=1)", "ratio.std()", "to be taken with N − 1"),
    ("least_kl", "return -np.log(w),", "return 0.0,", "dropping a mode is not free"),
    ("least_kl", "return -np.log(w),", "return np.log(w),", "a KL is never negative"),
    ("least_kl", "np.where(covered, weights, 0) / w", "np.where(covered, weights, 0)", "they do not sum to 1"),
    ("least_kl", "np.where(covered, weights, 0) / w", "covered / covered.sum()", "are not the best"),
    ("least_kl", "w = weights[covered].sum()", "weights[~covered] = 0\n    w = weights.sum()",
     "input-modified: it writes into weights"),
    ("kl_estimate", "0.5 * n * np.log", "0.5 * np.log", "belongs to each coordinate"),
    ("kl_gradient", "score(s * z + mu)", "score((s * z + mu).T)", "score takes (N, n), n = 3, got (3, 7) (answer.py:"),
]  # fmt: skip
