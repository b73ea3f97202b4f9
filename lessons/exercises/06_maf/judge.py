"""Judges lesson 06: masks, a sequential sampler, a density by conditionals."""

from itertools import pairwise

import numpy as np
from scipy.stats import norm

from nfedu.course.exercises.judging import At, WrongError, expect, numbers, parts

HINTS = {
    "masks": (
        "A mask has a row for each unit below and a column for each above: compare below[:, None] with above.",
        "Hidden units may see equal degrees (≤); outputs may not (<): the output for i must not see x_i.",
        "Multiply the masks: entry (j, i) counts the paths from input j to output i. It must be 0 for j ≥ i.",
    ),
    "sample": (
        "x_1 needs μ_1 and α_1, which are constants: ask with any x. Then ask again with x_1 in its place.",
        "x_i = exp(α_i) z_i + μ_i with the answers that were given when x_<i was right.",
        "∂x/∂z is triangular with exp(α_i) on its diagonal.",
    ),
    "log_prob": (
        "z_i = (x_i − μ_i) e^{−α_i} for all i at once: x is there, so one call is enough.",
        "The standard deviation is e^α: log N has −α, once, and −½ log 2π, for each coordinate.",
    ),
}


def conditioner_of(n, sign, rng, calls=None):
    """A random autoregressive function with a bounded log-scale, that counts its calls; α_1 has the given sign."""
    A, B = np.tril(rng.standard_normal((2, n, n)), -1)
    a, b = rng.standard_normal((2, n))
    a[0] = sign * rng.uniform(0.3, 2)

    def conditioner(x):
        if calls is not None:
            calls.append(x)
        x = np.asarray(x, float)
        if x.ndim != 2 or x.shape[1] != n:
            raise ValueError(f"the conditioner takes (N, n), n = {n}, got {x.shape}")
        if not np.isfinite(x).all():
            raise ValueError("the conditioner takes finite numbers only")
        return np.tanh(x @ A.T) * 2 + b, np.sin(x @ B.T + a) * 0.8

    return conditioner


def masks(theirs, rng):
    for n, widths in ((3, (2,)), (3, (4, 3)), (5, (6,)), (4, (5, 4, 6))):
        degrees = [rng.permutation(np.r_[1:n, rng.integers(1, n, max(0, k - n + 1))][:k]) for k in widths]
        given = theirs(n, degrees)
        layers, inputs = [np.arange(1, n + 1), *degrees], np.arange(1, n + 1)
        pairs = [*pairwise(layers), (layers[-1], inputs)]
        if not isinstance(given, list | tuple) or len(given) != len(pairs):
            got = len(given) if isinstance(given, list | tuple) else "no list"
            raise WrongError(f"masks: shape: got {got}, expected {len(pairs)} masks: one for each layer of weights", 1)
        given = [numbers(f"masks[{layer}]", mask, 1) for layer, mask in enumerate(given)]
        for layer, (below, above) in enumerate(pairs):
            expect_shape = (len(below), len(above))
            if given[layer].shape != expect_shape:
                words = f"it has shape {given[layer].shape}, expected (inputs, outputs) = {expect_shape}"
                raise WrongError(f"masks[{layer}]: shape: {words}", 1)
        paths = np.linalg.multi_dot([*given, np.eye(n)]) if len(given) > 1 else given[0]
        seen = [(int(i), int(j)) for j, i in np.argwhere(paths) if j >= i]
        if seen:
            i, j = seen[0]
            words = f"output [{i}] depends on input [{j}], counted from 0; only inputs before it are allowed"
            raise WrongError(f"masks, n = {n}: {words}", 3)
        for layer, (below, above) in enumerate(pairs):
            last = layer == len(pairs) - 1
            right = below[:, None] < above if last else below[:, None] <= above
            cut = "nothing forbidden passes, but too much is cut"
            expect(f"masks[{layer}], n = {n}", given[layer], right, 2, typical={
                f"mask: {cut}: output i sees degrees < i, i counted from 1": below[:, None] < above - 1,
            } if last else {
                f"mask: {cut}: hidden units may see equal degrees": below[:, None] < above,
                **({"mask: input i has the degree i, from 1; here the first one has 0": below[:, None] - 1 <= above}
                   if layer == 0 else {}),
            })  # fmt: skip


def sample(theirs, rng):
    for N, n, sign in ((4, 3, 1), (2, 1, 1), (1, 1, -1), (3, 5, 1)):
        calls, z = [], rng.standard_normal((N, n))
        conditioner = conditioner_of(n, sign, rng, calls)
        given = parts("sample", theirs(z, conditioner), 2, 1, "x and log_det")
        asked = len(calls)
        x, wrong_way, squared = np.zeros((3, N, n))
        for _ in range(n):
            mu, alpha = conditioner(x)
            x = np.exp(alpha) * z + mu
            mu, alpha = conditioner(wrong_way)
            wrong_way = (z - mu) * np.exp(-alpha)
            mu, alpha = conditioner(squared)
            squared = np.exp(2 * alpha) * z + mu
        mu, alpha = conditioner(x)
        once_mu, once_alpha = conditioner(z)
        zero_mu, zero_alpha = conditioner(0 * z)
        expect("x", given[0], x, 2, typical={
            "direction: the conditioner is asked at z: this is an IAF": np.exp(once_alpha) * z + once_mu,
            "direction: x_i = e^α z_i + μ; off with μ and then with the scale is the way back": wrong_way,
            "factor: z_i is multiplied by e^{2α}, the variance; the standard deviation is e^α": squared,
            "direction: this is the way from x to z, as if z were x": (z - once_mu) * np.exp(-once_alpha),
            "inexact: x is from one call, with zeros for x; x_i needs x_<i first": np.exp(zero_alpha) * z + zero_mu,
        } if n > 1 else {})  # fmt: skip
        if asked > n:
            raise WrongError(f"the conditioner was asked {asked} times, expected n = {n} at most", 1)
        expect("log_det", given[1], alpha.sum(axis=1), 3, log_det=True)


def log_prob(theirs, rng):
    for N, n, sign in ((4, 3, 1), (2, 1, 1), (1, 1, -1), (3, 5, 1)):
        calls, x = [], rng.standard_normal((N, n))
        conditioner = conditioner_of(n, sign, rng, calls)
        given = theirs(x, conditioner)
        if len(calls) > 1:
            raise WrongError(f"the conditioner was asked {len(calls)} times, expected one pass", 1)
        mu, alpha = conditioner(x)
        each = norm(mu, np.exp(alpha)).logpdf(x)
        if np.shape(given) == (N, n) and n > 1:
            raise WrongError("log p: shape: one number a coordinate; the log of a product is a sum over them", 2)
        z = (x - mu) * np.exp(-alpha)
        one, right = 0.5 * np.log(2 * np.pi), each.sum(axis=1)
        all_rows = "which axis is summed over? Each row has its own log p, the sum over its coordinates"
        expect("log p", given, each.sum(axis=1), 2, typical={
            "logdet-sign: Σ α has the wrong sign": (each + 2 * alpha).sum(axis=1),
            "logdet-missing: −Σ α is missing": (each + alpha).sum(axis=1),
            "logdet-factor: −Σ α belongs there once, as −log of the standard deviation": right - alpha.sum(axis=1),
            "base-density: −½ log 2π is missing": right + n * one,
            "base-density: −½ log 2π belongs to each coordinate": right + (n - 1) * one,
            "wrong-term: this is p; log p is asked": np.exp(right),
            f"rows-mixed: {all_rows}": np.full(N, right.sum()),
            f"rows-mixed: of z², {all_rows}": right + 0.5 * ((z**2).sum(axis=1) - (z**2).sum()),
            f"rows-mixed: of α, {all_rows}": right + alpha.sum(axis=1) - alpha.sum(),
            "sign: z is (x − μ) e^{−α}; here it is multiplied by e^{+α}": At(1, (
                each + 0.5 * z**2 - 0.5 * (z * np.exp(2 * alpha)) ** 2).sum(axis=1)),
            "factor: the standard deviation is e^α, not e^{α/2}": norm(mu, np.exp(alpha / 2)).logpdf(x).sum(axis=1),
            "factor: z is divided by e^{2α}; the standard deviation is e^α": At(1, (
                each + 0.5 * z**2 - 0.5 * (z * np.exp(-alpha)) ** 2).sum(axis=1)),
        })  # fmt: skip
