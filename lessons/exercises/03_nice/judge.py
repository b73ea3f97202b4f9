"""Judges lesson 03: a coupling's backwards, a rescaled density, an expected area."""

import numpy as np
from scipy.stats import norm

from nfedu.course.exercises.judging import At, expect, expect_layer, function

HINTS = {
    "Coupling": (
        "z_to_x: what arrives at x_b goes to z_b as it is, and into the network; z_a gets what arrives at x_a, plus "
        "what comes out of the network. The network is lesson 00's without biases.",
        "Parameters: add to W.grad and V.grad, never assign: V's is hᵀ g, W's aᵀ ((g Vᵀ)(1 − h²)).",
        "x_to_z has x_b − m(x_a): into its network goes −g. log_det is constant: g_log_det has nowhere to go.",
    ),
    "rescaled": (
        "z = x/s; then N2 (lesson 01) for each coordinate.",
        "∂z_i/∂x_i = 1/s_i: which sign has the logarithm of its modulus?",
    ),
    "expected_area": (
        "Sort the cells by p, highest first. The cells before one of them, times `cell`, are the area above it.",
        "Cells with the same p count half, the cell itself among them.",
        "The mean is under p: each cell weighs p · cell.",
    ),
}


def Coupling(theirs, rng):
    for n, d, k in ((3, 1, 4), (5, 3, 2)):
        W, V, N = rng.standard_normal((d, k)), rng.standard_normal((k, n - d)), 6
        y, g, g_log_det = rng.standard_normal((N, n)), rng.standard_normal((N, n)), rng.standard_normal(N)
        h = np.tanh(y[:, :d] @ W)
        inside = (g[:, d:] @ V.T) / np.cosh(y[:, :d] @ W) ** 2
        through = np.concatenate([inside @ W.T, np.zeros((N, n - d))], axis=1)
        for direction, sign in (("z_to_x", 1), ("x_to_z", -1)):
            layer = theirs(n, W, V)
            out, log_det, backward = getattr(layer, direction)(y)
            shift = np.concatenate([np.zeros((N, d)), h @ V], axis=1)
            expect(f"{direction}: output", out, y + sign * shift, 1)
            expect(f"{direction}: log_det", log_det, np.zeros(N), 1)
            step = 1 if sign > 0 else 3
            for times in (1, 2):
                given = function(f"{direction}: backward", backward, step)(g, g_log_det)
                expect(f"{direction}: gradient of the input", given, g + sign * through, step, typical={
                    "path-missing: what comes out of the network is missing": g,
                    "path-missing: what arrives at the part that passes is missing": np.hstack([0 * g[:, :d], g[:, d:]])
                    + sign * through,
                    "sign: what comes out of the network has the wrong sign": g - sign * through,
                    "path-missing: the slope of tanh is missing": At(2, g
                    + sign * np.hstack([g[:, d:] @ V.T @ W.T, 0 * g[:, d:]])),
                    "gradient-logdet-term: log_det is constant, g_log_det has no effect": g + sign * through
                    + g_log_det[:, None],
                })  # fmt: skip
                for name, p, right in (("V", layer.V, h.T @ g[:, d:]), ("W", layer.W, y[:, :d].T @ inside)):
                    expect(f"{direction}: {name}.grad" + " after two calls" * (times > 1), p.grad, times * sign * right,
                           3 if sign < 0 else 2, rows=N, typical={
                        "grad-overwritten: it is assigned, not added to": sign * right,
                        "sign: it has the wrong sign: into the network goes −g": -times * sign * right,
                    })  # fmt: skip
        expect_layer(layer, y, lambda words: 3 if "x_to_z" in words else 1, int(rng.integers(1000)))


def rescaled(theirs, rng):
    for N, n in ((4, 3), (1, 1), (3, 6)):
        x, log_s = rng.standard_normal((N, n)) * 2, rng.standard_normal(n)
        for log_det, sign in ((0.7, 1), (-0.7, 1), (0.7, -1), (-0.7, -1)):  # a modulus in the wrong place shows, too
            s, first = np.exp(log_s - log_s.mean() + log_det / n), np.where(np.arange(n) == 0, sign, 1)
            right = norm(0, s).logpdf(x).sum(axis=1)
            words, hint = ("log p with a negative s", 2) if sign < 0 else ("log p", 1)
            expect(words, theirs(x, s * first), right, hint, typical={
                "logdet-sign: Σ log|s| has the wrong sign" if log_det > 0 else
                "logdet-sign: the modulus is that of s, not of the sum of logarithms": At(2, right + 2 * log_det),
                "logdet-missing: Σ log|s| is missing": At(2, right + log_det),
                "wrong-term: this is p; log p is asked": np.exp(right),
                "direction: z is x/s, not x·s": norm(0, 1).logpdf(x * s).sum(axis=1) - log_det,
                "direction: this is the density of x = z/s": norm(0, 1 / s).logpdf(x).sum(axis=1),
                "base-density: −½ log 2π belongs to each coordinate": right + 0.5 * (n - 1) * np.log(2 * np.pi),
                "base-density: the constant −(n/2) log 2π is missing": right + 0.5 * n * np.log(2 * np.pi),
            })  # fmt: skip


def expected_area(theirs, rng):
    def area(p, cell, ties=0.5):
        A = np.array([cell * ((p > v).sum() + ties * (p == v).sum()) for v in p])
        return (p * A).sum() * cell, A.mean(), A

    line = np.linspace(-1.2, 1.2, 24)
    r = rng.uniform(0.6, 1)
    disc = (np.add.outer(line**2, line**2) < r**2).ravel().astype(float)
    normal = np.exp(-np.add.outer(line**2, line**2).ravel() * rng.uniform(2, 6))
    random = rng.exponential(size=200)
    for name, p in (("a random density", random), ("a normal", normal), ("a disc", disc)):
        cell = float(rng.uniform(0.01, 0.1))
        p = rng.permutation(p / p.sum() / cell)
        right, plain, _ = area(p, cell)
        expect(f"E[A] of {name}", theirs(p, cell), right, 1 if name == "a random density" else 2, typical={
            "factor: a factor cell is missing: in A, or in the weights p · cell": At(3, right / cell),
            "factor: cell is missing twice: in A, and in the weights p · cell": At(3, right / cell**2),
            "sign: it is the area below the level, not above it": len(p) * cell - right,
            "wrong-term: every cell has the same weight; the mean is under p": At(3, plain),
            "wrong-term: cells that are as high are not counted; half of them belong": At(2, area(p, cell, 0)[0]),
            "wrong-term: cells that are as high count whole; half of them belong": At(2, area(p, cell, 1)[0]),
        })  # fmt: skip
