"""Judges lesson 07: an IAF with a MAF's weights, its slow density, an implicit backward."""

import numpy as np

from nfedu.course.exercises.judging import At, WrongError, expect, parts

HINTS = {
    "iaf_of_maf": (
        "Exchange the letters: x_i = (z_i − m_i(z_<i)) e^{−a_i(z_<i)}. The network is asked at z, once.",
        "Sort that into a factor of z_i and the rest: the factor is e^{−a_i}.",
        "log|det ∂x/∂z| is Σ α, with the α of this IAF.",
    ),
    "log_prob": (
        "z_1 comes from constants: ask with any z. Then ask again with z_1 in its place, for z_2.",
        "z_i = (x_i − μ_i(z_<i)) e^{−α_i(z_<i)}: off with the shift, then off with the scale.",
        "log p(x) = log N(z; 0, I) − Σ α, with the α that were used.",
    ),
    "implicit": (
        "Differentiate f(z(x, θ), θ) = x: J dz + J_θ dθ = dx.",
        "⟨g, J⁻¹ dx⟩ = ⟨J⁻ᵀ g, dx⟩: a solve with the transposed matrix, row by row.",
        "θ: −J_θᵀ g_x, summed over rows, with the g_x that you have.",
    ),
}


def conditioner_of(n, sign, rng, calls=None):
    """A random autoregressive function with a bounded log-scale, that counts its calls; α_1 has the given sign."""
    A, B = np.tril(rng.standard_normal((2, n, n)), -1)
    a, b = rng.standard_normal((2, n))
    a[0] = sign * rng.uniform(0.3, 2)

    def conditioner(y):
        if calls is not None:
            calls.append(y)
        if np.ndim(y) != 2 or np.shape(y)[1] != n:
            raise ValueError(f"the network takes (N, n), n = {n}, got {np.shape(y)}")
        return np.tanh(y @ A.T) * 2 + b, np.sin(y @ B.T + a) * 0.8

    return conditioner


def iaf_of_maf(theirs, rng):
    for N, n, sign in ((4, 3, 1), (2, 1, 1), (1, 1, -1), (3, 5, 1)):
        calls, z = [], rng.standard_normal((N, n))
        maf = conditioner_of(n, sign, rng, calls)
        x, mu, alpha, log_det = parts("iaf_of_maf", theirs(z, maf), 4, 1, "x, μ, α and log_det")
        asked = len(calls)
        m, a = maf(z)
        expect("x", x, (z - m) * np.exp(-a), 1, typical={
            "direction: m and a are taken for μ and α: this is another map": np.exp(a) * z + m,
            "wrong-term: μ is −m e^{−a}: the scale acts on the shift as well": np.exp(-a) * z - m,
        })  # fmt: skip
        if asked > 1:
            raise WrongError(f"the network was asked {asked} times; z is there, so one pass is enough", 1)
        expect("α", alpha, -a, 2, typical={"sign: α is the network's a; e^{−a} multiplies z": a})
        expect("μ", mu, -m * np.exp(-a), 2, typical={
            "wrong-term: it is the network's m": m,
            "wrong-term: it is −m; the scale acts on the shift as well": -m,
            "sign: m is taken off, so μ has a minus": m * np.exp(-a),
        })  # fmt: skip
        expect("log_det", log_det, -a.sum(axis=1), 3, log_det=True)


def log_prob(theirs, rng):
    for N, n, sign in ((4, 3, 1), (2, 1, 1), (1, 1, -1), (3, 5, 1)):
        calls, z = [], rng.standard_normal((N, n))
        conditioner = conditioner_of(n, sign, rng, calls)
        mu, alpha = conditioner(z)
        x = np.exp(alpha) * z + mu
        base, log_det = -0.5 * (z**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi), alpha.sum(axis=1)
        calls.clear()
        given = theirs(x, conditioner)
        asked = len(calls)
        mu_x, alpha_x = conditioner(x)
        one = 0.5 * np.log(2 * np.pi)
        as_maf = (x - mu_x) * np.exp(-alpha_x)
        early = np.zeros((N, n))
        for _ in range(n):
            mu, alpha = conditioner(early)
            early = x * np.exp(-alpha) - mu
        mixed_up = -0.5 * (early**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi) - conditioner(early)[1].sum(axis=1)
        maf = -0.5 * (as_maf**2).sum(axis=1) - 0.5 * n * np.log(2 * np.pi) - alpha_x.sum(axis=1)
        expect("log p", given, base - log_det, 2, typical={
            "logdet-sign: Σ α has the wrong sign": At(3, base + log_det),
            "logdet-missing: −Σ α is missing": At(3, base),
            "logdet-factor: −Σ α belongs there once, as −log of the scale": At(3, base - 2 * log_det),
            "wrong-term: this is p; log p is asked": At(3, np.exp(base - log_det)),
            "base-density: −(n/2) log 2π is missing": At(3, base - log_det + n * one),
            "base-density: −½ log 2π belongs to each coordinate": At(3, base - log_det + (n - 1) * one),
            "direction: the conditioner is asked at x: this is a MAF's density": maf,
            "not-inverse: z_i is (x_i − μ_i) e^{−α_i}: first the shift is taken off, then the scale": mixed_up,
        } if n > 1 else {})  # fmt: skip
        if asked > n:
            raise WrongError(f"the conditioner was asked {asked} times, expected n = {n} at most", 1)


def implicit(theirs, rng):
    for N, n, p in ((4, 3, 2), (1, 2, 5), (3, 1, 1)):
        J = np.tril(rng.standard_normal((N, n, n)), -1)
        J[:, range(n), range(n)] = rng.uniform(0.5, 2, (N, n))
        J_theta, g = rng.standard_normal((N, n, p)), rng.standard_normal((N, n))
        g_x, g_theta = parts("implicit", theirs(J, J_theta, g), 2, 1, "the gradients of x and θ")
        inverse = np.linalg.inv(J)
        right = np.einsum("nij,ni->nj", inverse, g)
        expect("gradient of x", g_x, right, 2, typical={
            "transposed: J⁻¹ g, where J⁻ᵀ g belongs": np.einsum("nij,nj->ni", inverse, g),
            "direction: Jᵀ g is the backward of f; of its inverse it is J⁻ᵀ g": At(1, np.einsum("nij,ni->nj", J, g)),
            "direction: J g, where J⁻ᵀ g belongs": At(1, np.einsum("nij,nj->ni", J, g)),
        } if n > 1 else {"direction: J g, where J⁻ᵀ g belongs": J[:, :, 0] * g})  # fmt: skip
        if np.shape(g_theta) == (N, p):
            words = "one gradient a row; all rows share θ: the sum over rows is missing"
            raise WrongError(f"gradient of θ: shape: {words}", 3)
        expect("gradient of θ", g_theta, -np.einsum("nip,ni->p", J_theta, right), 3, rows=N, typical={
            "sign: J dz + J_θ dθ = 0 has θ on the other side: a minus": np.einsum("nip,ni->p", J_theta, right),
            "wrong-term: it is made of g, where g_x = J⁻ᵀ g belongs": -np.einsum("nip,ni->p", J_theta, g),
        })  # fmt: skip
