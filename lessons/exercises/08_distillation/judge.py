"""Judges lesson 08: the gradient of a reverse KL, its estimate, the price of a dropped mode."""

import numpy as np

from nfedu.course.exercises.judging import At, expect, parts

HINTS = {
    "kl_gradient": (
        "log s(x) = log p_Z(z) − Σ α at x = f(z): the KL is the mean of that minus log t(x(z)).",
        "x moves by dμ, and log t by score · dμ: mind the minus in front of log t.",
        "α enters twice: −Σ α, whose slope is −1, and through x, with ∂x/∂α = e^α z.",
    ),
    "kl_estimate": (
        "log s(x) = log p_Z(z) − log|det ∂x/∂z|; log p_Z holds −(n/2) log 2π.",
        "The mean over samples of log s − log t, in this order.",
        "Standard error: the standard deviation of one term, divided by √N.",
    ),
    "least_kl": (
        "With the weights q on the covered modes, and the teacher's shape within each: KL = Σ q log(q/w).",
        "q must sum to 1 on the covered modes. Write q log(q/w_k) with r_k = w_k/w: what is left is −log w.",
    ),
}


def kl_gradient(theirs, rng):
    for N, n in ((7, 3), (4, 1), (1, 2)):
        z, mu, alpha = rng.standard_normal((N, n)), rng.standard_normal(n), 0.5 * rng.standard_normal(n)
        A = rng.standard_normal((n, n)) + 2 * np.eye(n)
        P = A @ A.T  # the teacher: −log t = ½ xᵀ P x + Σ cos x, up to a constant

        def score(x, P=P, n=n):
            if np.ndim(x) != 2 or np.shape(x)[1] != n:
                raise ValueError(f"score takes (N, n), n = {n}, got {np.shape(x)}")
            return -x @ P + np.sin(x)

        g_mu, g_alpha = parts("kl_gradient", theirs(z, mu, alpha, score), 2, 1, "of μ and α")
        x = np.exp(alpha) * z + mu
        s = score(x)
        expect("gradient of μ", g_mu, -s.mean(axis=0), 2, typical={
            "sign: log t has a minus in the KL": s.mean(axis=0),
            "batch-factor: it is the sum over the draws, expected the mean": At(1, -s.sum(axis=0)),
            "wrong-term: the score is asked at z, not at the sample x": At(1, -score(z).mean(axis=0)),
        })  # fmt: skip
        through = -(s * np.exp(alpha) * z).mean(axis=0)
        expect("gradient of α", g_alpha, through - 1, 3, typical={
            "gradient-logdet-term: −Σ α has a slope, too: −1 is missing": through,
            "gradient-logdet-term: log s has −Σ α: its slope is −1, not +1": through + 1,
            "output-term: ∂x/∂α = e^α z; e^α is missing": -(s * z).mean(axis=0) - 1,
            "output-term: ∂x/∂α = e^α z; this is with x": -(s * x).mean(axis=0) - 1,
            "output-term: only −1 is there: x moves with α": 0 * alpha - 1,
            "gradient-logdet-term: the mean over draws of −1 is −1, not −N": through - N,
        })  # fmt: skip


def kl_estimate(theirs, rng):
    for N, n in ((30, 2), (5, 1), (12, 4)):
        z, log_det, log_t = rng.standard_normal((N, n)), rng.standard_normal(N), rng.standard_normal(N) - 3
        kl, error = parts("kl_estimate", theirs(z, log_det, log_t), 2, 1, "the estimate and its standard error")
        constant = 0.5 * n * np.log(2 * np.pi)
        base = -0.5 * (z**2).sum(axis=1) - constant
        ratio = base - log_det - log_t
        expect("the estimate", kl, ratio.mean(), 2, typical={
            "logdet-sign: log s(x) = log p_Z(z) − log|det ∂x/∂z|": At(1, (base + log_det - log_t).mean()),
            "logdet-missing: log s(x) is not log p_Z(z): the log-det is missing": At(1, (base - log_t).mean()),
            "base-density: −(n/2) log 2π is missing": At(1, ratio.mean() + constant),
            "base-density: −½ log 2π belongs to each coordinate": At(1, ratio.mean() + constant * (n - 1) / n),
            "sign: it is the mean of log t − log s": -ratio.mean(),
            "wrong-term: it is the entropy part alone, log t is missing": (base - log_det).mean(),
            "batch-factor: it is the sum over the samples, expected the mean": ratio.sum(),
        })  # fmt: skip
        expect("the standard error", error, ratio.std(ddof=1) / np.sqrt(N), 3, typical={
            "factor: it is the deviation of one term; the mean's is smaller by √N": ratio.std(ddof=1),
            "factor: N, not √N": ratio.std(ddof=1) / N,
            "factor: the variance is to be taken with N − 1": ratio.std() / np.sqrt(N),
            "factor: it is the variance of the mean, not its root": ratio.var(ddof=1) / N,
        })  # fmt: skip


def least_kl(theirs, rng):
    for K in (4, 2, 6):
        weights = rng.dirichlet(np.ones(K))
        for count in (K - 1, 1, K):
            covered = rng.permutation(np.arange(K) < count)
            kl, best = parts("least_kl", theirs(weights, covered), 2, 1, "the least KL and the student's weights")
            w = weights[covered].sum()
            kept = np.where(covered, weights, 0)
            expect("the least KL", kl, -np.log(w), 2, typical={
                "factor: dropping a mode is not free: the student's mass has to go somewhere": At(1, 0.0),
                "sign: it is log w; a KL is never negative": np.log(w),
                "wrong-term: it is −log of the mass that is dropped": -np.log(max(1 - w, 1e-300)),
                "wrong-term: it is 1 − w, the mass that is dropped": 1 - w,
                "wrong-term: the student's weights must sum to 1: q = w_k/w": -(kept[covered] * np.log(w)).sum(),
                "factor: it is in bits, expected nats": -np.log2(w),
            } if w < 1 - 1e-9 else {})  # fmt: skip
            expect("the student's weights", best, kept / w, 2, typical={
                "factor: they do not sum to 1": kept,
                "wrong-term: equal weights on the covered modes are not the best": At(1, covered / covered.sum()),
                "wrong-term: a mode that is not covered has the weight 0": weights,
            })  # fmt: skip
