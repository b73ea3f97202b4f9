"""Judges lesson 02: a triangular solve, a chain, a constant found from an integral."""

from functools import partial

import numpy as np

from nfedu.course.exercises.judging import At, WrongError, expect, function, parts

HINTS = {
    "solve": (
        "L z = x for each row: with points in rows, solve L Zᵀ = Xᵀ.",
        "Change x a little: dz = L⁻¹ dx. ⟨g, L⁻¹ dx⟩ = ⟨L⁻ᵀ g, dx⟩.",
        "Change L a little: L dz + dL z = 0, so dz = −L⁻¹ dL z. The gradient of L is −g_x zᵀ, summed over rows, on and "
        "below the diagonal.",
    ),
    "chain": (
        "The maps are met in the order of the list, and each log_det is computed at the map's own input.",
        "backward meets them in reverse, and hands on what each one returns.",
        "The total log_det is a sum: every map's own log_det gets the whole g_log_det.",
    ),
    "missing_log_det": (
        "With log p = log_density + c: 1 = e^c ∫ exp(log_density).",
        "Midpoints of a grid, the area of a cell, and the sign of the logarithm.",
        "A few hundred cells a side are enough for a smooth density.",
    ),
}


def solve(theirs, rng):
    for N, n in ((5, 3), (1, 4), (3, 1)):
        L = np.tril(rng.standard_normal((n, n)), -1) + np.diag(rng.uniform(0.5, 2, n) * rng.choice([-1, 1], n))
        x = rng.standard_normal((N, n))
        z, backward = parts("solve", theirs(L, x), 2, 1, "z and backward")
        right = np.linalg.inv(L) @ x.T
        expect("z", z, right.T, 1, typical={"transposed: it solves Lᵀ z = x": (np.linalg.inv(L.T) @ x.T).T})
        g = rng.standard_normal((N, n))
        given = parts("backward", function("backward", backward, 2)(g), 2, 2, "the gradients of x and L")
        g_x = g @ np.linalg.inv(L)
        expect("gradient of x", given[0], g_x, 2, typical={
            "transposed: L⁻¹ g, where L⁻ᵀ g belongs": g @ np.linalg.inv(L).T,
            "direction: it is multiplied by L, where L⁻ᵀ belongs": g @ L,
        })  # fmt: skip
        full = -np.einsum("ni,jn->ij", g_x, right)
        expect("gradient of L", given[1], np.tril(full), 3, typical={
            "no-effect: above the diagonal are no parameters: it must be 0 there": full,
            "path-missing: the diagonal is missing": np.tril(full, -1),
            "transposed: z_i (g_x)_j, where (g_x)_i z_j belongs": np.tril(full.T),
            "wrong-term: it is made of g, where g_x = L⁻ᵀ g belongs": np.tril(-np.einsum("ni,jn->ij", g, right)),
            "wrong-term: it is made of x, where z belongs": np.tril(-np.einsum("ni,nj->ij", g_x, x)),
        }, rows=N)  # fmt: skip


def arcsinh(c):
    """The map c·arcsinh y, with its log-det and backward."""

    def f(y):
        slope = c / np.sqrt(1 + y**2)

        def backward(g_out, g_log_det):
            return np.asarray(g_out) * slope - np.reshape(g_log_det, (len(y), 1)) * y / (1 + y**2)

        return c * np.arcsinh(y), np.log(slope).sum(axis=1), backward

    return f


def chain(theirs, rng):
    for N, n, M in ((4, 2, 3), (2, 3, 1), (3, 1, 4)):
        y, g_out, g_log_det = rng.standard_normal((N, n)), rng.standard_normal((N, n)), rng.standard_normal(N)
        maps = [arcsinh(c) for c in rng.uniform(0.5, 1.5, (M, n))]
        outputs, log_dets, backwards = [y], [], []
        for f in maps:
            there = f(outputs[-1])
            for kept, value in zip((outputs, log_dets, backwards), there, strict=True):
                kept.append(value)
        turned = y
        for f in maps[::-1]:
            turned = f(turned)[0]
        out, log_det, backward = parts("chain", theirs(maps, y), 3, 1, "output, log_det and backward")
        expect("output", out, outputs[-1], 1, typical=several(M, {"direction: the maps are met in reverse": turned}))
        at_first = [f(y)[1] for f in maps]
        expect("log_det", log_det, np.sum(log_dets, axis=0), 1, log_det=True, typical=several(M, {
            "logdet-term: it is that of the last map alone": log_dets[-1],
            "logdet-factor: log-dets add, they are not multiplied": np.prod(log_dets, axis=0),
            "logdet-term: all maps are asked at the first input; each has its own": np.sum(at_first, axis=0),
            "logdet-factor: it is the mean of the maps' log-dets": np.mean(log_dets, axis=0),
        }))  # fmt: skip
        back = partial(through, backwards, g_out, g_log_det)
        reverse = range(M)[::-1]
        given = function("backward", backward, 2)(g_out, g_log_det)
        expect("backward", given, back(reverse, np.ones(M)), 3, typical=several(M, {
            "direction: backward must meet the maps in reverse": At(2, back(range(M), np.ones(M))),
            "gradient-logdet-term: only the last map gets g_log_det": back(reverse, np.eye(M)[M - 1]),
            "gradient-logdet-term: only the first map gets g_log_det": back(reverse, np.eye(M)[0]),
            "gradient-logdet-term: g_log_det is shared out among the maps": back(reverse, np.ones(M) / M),
            "gradient-logdet-term: no map gets g_log_det": back(reverse, np.zeros(M)),
        }))  # fmt: skip


def through(backwards, g, g_log_det, order, shares):
    """Go back through maps in an order, with a share of g_log_det for each."""
    for k in order:
        g = backwards[k](g, g_log_det * shares[k])
    return g


def several(M, typical):
    """Typical mistakes that cannot be seen with one map."""
    return typical if M > 1 else {}


def missing_log_det(theirs, rng):
    for sign in (1, -1):
        c, means, widths = sign * rng.uniform(0.5, 3), rng.uniform(-1, 1, (3, 2)), rng.uniform(0.4, 0.9, 3)
        low, high, asked = -8.0 - rng.random(), 8.0 + rng.random(), []

        def log_density(x, c=c, means=means, widths=widths, asked=asked):
            if np.ndim(x) != 2 or np.shape(x)[1] != 2:
                raise ValueError(f"log_density takes points (K, 2), got {np.shape(x)}")
            asked.append(len(x))
            squares = ((x[:, None] - means) ** 2).sum(axis=2) / widths**2
            return np.log((np.exp(-squares / 2) / widths**2).sum(axis=1) / 6 / np.pi) - c

        given = theirs(log_density, low, high)
        if sum(asked) > 300_000:
            raise WrongError(f"log_density was asked at {sum(asked)} points, expected at most 300,000", 3)
        side = high - low
        expect("the log-det", given, c, 1, 1e-5, typical={
            "sign: it is log ∫ exp(log_density), the negative belongs" if sign > 0 else
            "sign: c may be negative: it is no modulus": -c,
            "factor: it is the factor, of which the logarithm is asked": np.exp(c),
            "factor: it is the mean over the square; the integral is that times its area": At(2, c + 2 * np.log(side)),
            "factor: it is the integral itself, of which −log is asked": np.exp(-c),
            **{f"factor: the area of a cell of {k}² is missing": At(2, c + 2 * np.log(side / k)) for k in GRIDS},
            **{f"factor: a cell of {k}² has an area, side²": At(2, c + np.log(side / k)) for k in GRIDS},
        })  # fmt: skip


GRIDS = (100, 200, 256, 300, 400, 500)
