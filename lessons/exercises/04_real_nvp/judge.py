"""Judges lesson 04: an affine coupling's backward, a mask, batch normalization's."""

import numpy as np

from nfedu.checks import jacobians
from nfedu.course.exercises.judging import At, expect, function, parts

HINTS = {
    "affine": (
        "z_b = (x_b − μ) exp(−α), and log|det ∂z/∂x| = −Σ α over the coordinates of a row.",
        "∂z_b/∂x_b = e^{−α}, and μ enters with a minus.",
        "α gets two gradients: ∂z_b/∂α = −z_b, and ∂log_det/∂α = −1, so −g_log_det of its row.",
    ),
    "checkerboard": (
        "np.arange(H)[:, None] + np.arange(W) is row + column, (H, W).",
        "Every channel has the same board; a flattened image holds one channel after the other.",
    ),
    "batch_norm": (
        "Write u = (x − m)/σ, σ = √(v + ε): then z = e^γ u + β, and the gradients of γ and β are sums over rows.",
        "dm = mean(dx), dσ = mean(u dx): so du = (dx − mean(dx) − u mean(u dx))/σ, a symmetric map.",
        "log_det holds −log σ in every row: Σ g_log_det reaches x through σ, and γ directly.",
    ),
}


def affine(theirs, rng):
    for N, b in ((4, 3), (1, 2), (5, 1)):
        x, mu, alpha, g = rng.standard_normal((4, N, b))
        g_log_det = rng.standard_normal(N)
        z, log_det, backward = parts("affine", theirs(x, mu, alpha), 3, 1, "z_b, log_det and backward")
        right = (x - mu) / np.exp(alpha)
        expect("z_b", z, right, 1, typical={
            "direction: this is the way from z to x": x * np.exp(alpha) + mu,
            "sign: e^{α} where e^{−α} belongs": (x - mu) * np.exp(alpha),
            "not-inverse: first the shift is taken off, then the scale": x * np.exp(-alpha) - mu,
        })  # fmt: skip
        expect("log_det", log_det, -alpha.sum(axis=1), 1, log_det=True)
        found = function("backward", backward, 2)(g, g_log_det)
        g_x, g_mu, g_alpha = parts("backward", found, 3, 2, "of x_b, μ and α")
        expect("gradient of x_b", g_x, g / np.exp(alpha), 2)
        expect("gradient of μ", g_mu, -g / np.exp(alpha), 2)
        ones = g_log_det[:, None]
        expect("gradient of α", g_alpha, -g * right - ones, 3, typical={
            "gradient-logdet-term: what comes from g_log_det is missing": -g * right,
            "gradient-logdet-term: what comes from g_log_det has the wrong sign": -g * right + ones,
            "output-term: what comes through z_b is missing": -ones + 0 * g,
            "output-term: what comes through z_b has the wrong sign": g * right - ones,
            "output-term: ∂z_b/∂α = −z_b = −(x_b − μ)e^{−α}; here e^{−α} is missing": -g * (x - mu) - ones,
        })  # fmt: skip


def checkerboard(theirs, rng):
    for C, H, W in ((1, 4, 4), (3, 2, 5), (2, 3, 4), (1, 1, 3)):
        image = np.indices((C, H, W)).reshape(3, -1)
        right = (image[1] + image[2]) % 2 == 0
        given = theirs(C, H, W)
        expect(f"the mask of {C} × {H} × {W}", given, right, 1 if C == 1 else 2, typical={
            "sign: pixels with an odd row + column pass": ~right,
            "permuted: it counts pixels, not row + column": np.arange(C * H * W) % 2 == 0,
            "permuted: the channel counts as well; each should have the same board": image.sum(axis=0) % 2 == 0,
            "permuted: rows and columns are exchanged in the flattened image": np.tile(
                (np.indices((W, H)).sum(axis=0) % 2 == 0).ravel(), C),
            "permuted: a pixel's channels stand side by side; a channel should be whole": np.repeat(
                (np.indices((H, W)).sum(axis=0) % 2 == 0).ravel(), C),
        })  # fmt: skip


def batch_norm(theirs, rng):
    for N, n in ((6, 3), (3, 1)):
        signs = np.resize([1, -1], n)
        x = rng.standard_normal((N, n)) * np.resize([2, 0.3], n)
        x += signs * rng.uniform(0.5, 2, n) - x.mean(axis=0)
        gamma, beta, eps = 0.3 * rng.standard_normal(n), signs * rng.uniform(0.1, 2, n), float(rng.uniform(0.01, 0.1))
        z, log_det, backward = parts("batch_norm", theirs(x, gamma, beta, eps), 3, 1, "z, log_det and backward")

        def apply(x, gamma, beta, eps=eps):
            m = x.mean(axis=0)
            s = ((x - m) ** 2).mean(axis=0) + eps
            return np.exp(gamma) * (x - m) / np.sqrt(s) + beta, np.full(len(x), (gamma - np.log(s) / 2).sum())

        right, right_log_det = apply(x, gamma, beta)
        unbiased = np.exp(gamma) * (x - x.mean(0)) / np.sqrt(x.var(axis=0, ddof=1) + eps) + beta
        expect("z", z, right, 1, typical={"factor: the variance is the mean of squares, without N − 1": unbiased})
        half = np.full(N, (gamma - np.log(x.var(axis=0) + eps)).sum())
        expect("log_det", log_det, right_log_det, 1, log_det=True, typical={
            "logdet-factor: v + ε is the square of what x is divided by: ½ log(v + ε)": half,
        })  # fmt: skip
        g, g_log_det = rng.standard_normal((N, n)), rng.standard_normal(N)

        def loss(theta, N=N, n=n, g=g, g_log_det=g_log_det):  # of all numbers at once, for the complex step
            out = [apply(t[: N * n].reshape(N, n), t[N * n : -n], t[-n:]) for t in theta]
            return np.array([[(z * g).sum() + log_det @ g_log_det] for z, log_det in out])

        theta = np.concatenate([x.ravel(), gamma, beta])[None]
        exact = jacobians(loss, theta)[0, 0]
        found = function("backward", backward, 1)(g, g_log_det)
        g_x, g_gamma, g_beta = parts("backward", found, 3, 1, "of x, γ and β")
        sigma, G = np.sqrt(x.var(axis=0) + eps), g_log_det.sum()
        u, g_u = (x - x.mean(axis=0)) / sigma, g * np.exp(gamma)
        direct = (g_u * u).sum(axis=0)
        expect("gradient of β", g_beta, exact[-n:], 1, rows=N)
        expect("gradient of γ", g_gamma, exact[N * n : -n], 1, rows=N, typical={
            "gradient-logdet-term: γ stands in every row's log_det: Σ g_log_det is missing": At(3, direct),
            "wrong-term: z has the scale e^γ, whose derivative holds e^γ": (g * u).sum(axis=0) + G,
        })  # fmt: skip
        log_part = -G * u / (N * sigma)
        through = (g_u - g_u.mean(axis=0) - u * (u * g_u).mean(axis=0)) / sigma
        expect("gradient of x", g_x, exact[: N * n].reshape(N, n), 2, typical={
            "path-missing: m and v depend on x too: they are taken for constants": g_u / sigma,
            "path-missing: m and v are taken for constants, but not in the log-det": g_u / sigma + log_part,
            "path-missing: v depends on x too": (g_u - g_u.mean(axis=0)) / sigma + log_part,
            "path-missing: m depends on x too": (g_u - u * (u * g_u).mean(axis=0)) / sigma + log_part,
            "gradient-logdet-term: log_det depends on x through v; that is missing": At(3, through),
            "gradient-logdet-term: what comes from log_det has the wrong sign": At(3, through - log_part),
            "gradient-logdet-term: dσ is a mean over rows: 1/N is missing": At(3, through + N * log_part),
        })  # fmt: skip
