"""Judges lesson 01: a density in the plane, one in n dimensions, a layer without a formula for its inverse."""

import numpy as np
from scipy.stats import multivariate_normal

from nfedu.course.exercises.judging import At, expect, expect_layer, function, parts, recognise

HINTS = {
    "density": (
        "What was done last is undone first: x_2 is at hand, so z_1 = x_1 exp(−x_2/4); then z_2.",
        "Write the four entries of ∂z/∂x; z_2 depends on x_1 through z_1. Two terms of the determinant cancel.",
        "p(x) = p(z) times |det ∂z/∂x|, with p(z) = exp(−|z|²/2)/2π in the plane.",
    ),
    "log_prob": (
        "Points stand in rows, and the map is A z + b for each: z = A⁻¹ (x − b), for all rows by one np.linalg.solve.",
        "log p(x) = log p(z) + log|det ∂z/∂x|, and ∂z/∂x = A⁻¹, not A.",
        "log p(z) of N(0, I) in n dimensions has the constant −(n/2) log 2π.",
    ),
    "Sine": (
        "x and its slope s = 1 + ½ cos z are formulas. log_det is Σ log s over coordinates; its gradient is s'/s.",
        "z ← x − ½ sin z halves the error each round; Newton's method divides what is missing by the slope.",
        "On the way back everything that reaches z is divided by s: what comes from the output and what from log_det.",
    ),
}


def density(theirs, rng):
    for N in (1, 6):
        x = rng.standard_normal((N, 2)) * [2, 3] if N > 1 else np.array([[1.0, 0.0]])
        z, det, p = parts("density", theirs(x), 3, 1, "z, the determinant and p")
        e = np.exp(-x[:, 1] / 4)
        z1 = x[:, 0] * e
        right = np.stack([z1, x[:, 1] - z1**2 / 4], axis=1)
        early = np.stack([z1, x[:, 1] - x[:, 0] ** 2 / 4], axis=1)
        expect("z", z, right, 1, typical={"wrong-term: z_2 needs z_1², not x_1²": early})
        J = np.stack([np.stack([e, -z1 / 4], 1), np.stack([-z1 * e / 2, 1 + z1**2 / 8], 1)], 1)
        expect("det ∂z/∂x", det, np.linalg.det(J), 2, typical={
            "direction: it is the determinant of the other direction, ∂x/∂z": 1 / e,
            "wrong-term: it is the product of the diagonal, but ∂z/∂x is not triangular": e * (1 + z1**2 / 8),
            "logdet-missing: it is 1, but the map changes areas": np.ones(N),
        })  # fmt: skip
        base = np.exp(-(right**2).sum(1) / 2) / (2 * np.pi)
        expect("p(x)", p, base * e, 3, 1e-9, typical={
            "logdet-sign: p(z) is divided by |det ∂z/∂x|, not multiplied": base / e,
            "logdet-missing: it is p(z), the determinant is missing": base,
            "base-density: 1/√2π in the plane? each coordinate has one": base * e * np.sqrt(2 * np.pi),
            "base-density: the constant 1/2π is missing": base * e * 2 * np.pi,
        })  # fmt: skip


def log_prob(theirs, rng):
    for N, n, log_det in ((4, 3, 0.7), (1, 2, -0.8), (5, 1, 0.9), (3, 5, -0.6)):  # of both signs, and det A as well
        A, b = rng.standard_normal((n, n)) + 2 * np.eye(n), rng.standard_normal(n)
        A *= np.exp((log_det - np.linalg.slogdet(A)[1]) / n)
        A[0] *= np.sign(np.linalg.det(A)) * (1 if n in (2, 3) else -1)
        x = rng.standard_normal((N, n)) * 2
        right = multivariate_normal(b, A @ A.T).logpdf(x).reshape(N)
        constant = 0.5 * n * np.log(2 * np.pi)

        def base(z, log_det=log_det, constant=constant):
            return -0.5 * (z**2).sum(axis=1) - constant - log_det

        expect("log p", theirs(x, A, b), right, 1, typical={
            "transposed: z solves A z = x − b for each row; here Aᵀ is taken": base(np.linalg.solve(A.T, (x - b).T).T),
            "path-missing: b is not taken off": base(np.linalg.solve(A, x.T).T),
            "logdet-sign: log|det A| has the wrong sign: ∂z/∂x is A⁻¹" if n == 3 else
            "logdet-sign: the modulus is that of det A, not of its logarithm": At(2, right + 2 * log_det),
            "logdet-missing: log|det A| is missing": At(2, right + log_det),
            "wrong-term: this is p; log p is asked": np.exp(right),
            "base-density: the constant −(n/2) log 2π is missing": At(3, right + constant),
            "base-density: −½ log 2π belongs to each of the n coordinates": At(3, right + constant - constant / n),
        })  # fmt: skip


def hint_of(words):
    """The hint that fits what the checker says: of z_to_x, of a round trip or the log-det back, of the backward."""
    there_and_back = words.startswith(("x→z→x", "z→x→z", "x_to_z: log_det"))
    return 1 if words.startswith("z_to_x") else 2 if there_and_back else 3


def Sine(theirs, rng):
    for n in (3, 1):
        layer, seed = theirs(n), int(rng.integers(1000))
        z = rng.standard_normal((5, n)) * 3
        x, log_det, backward = parts("z_to_x", layer.z_to_x(z), 3, 1, "x, log_det and backward")
        slope = 1 + np.cos(z) / 2
        expect("z_to_x: x", x, z + np.sin(z) / 2, 1)
        expect("z_to_x: log_det", log_det, np.log(slope).sum(axis=1), 1, log_det=True)
        g, g_log_det = rng.standard_normal((5, n)), rng.standard_normal(5)
        through = -g_log_det[:, None] * np.sin(z) / 2 / slope
        back, log_det, backward_x = parts("x_to_z", layer.x_to_z(z + np.sin(z) / 2), 3, 2, "z, log_det and backward")
        recognise("x_to_z: backward", function("backward", backward_x, 3)(g, g_log_det), 3, {
            "output-term: what comes from g_out is not divided by the slope": g - through / slope,
            "gradient-logdet-term: what comes from log_det reaches z, and must be divided by the slope, too": g / slope
            - through,
            "direction: it is multiplied by the slope: ∂z/∂x is 1/slope": (g - through) * slope,
        })  # fmt: skip
        expect_layer(layer, z + np.sin(z) / 2, hint_of, seed)
        expect("x_to_z: z", back, z, 2)
        expect("x_to_z: log_det", log_det, -np.log(slope).sum(axis=1), 2, log_det=True)
        expect("z_to_x: backward", function("backward", backward, 1)(g, g_log_det), g * slope + through, 1)
        expect("x_to_z: backward", function("backward", backward_x, 3)(g, g_log_det), (g - through) / slope, 3)
