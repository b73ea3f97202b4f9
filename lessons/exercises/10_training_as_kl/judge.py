"""Judges lesson 10: the KL of Gaussians, a round of Gaussianization, what a KL consists of."""

import numpy as np
from scipy.stats import norm, ortho_group

from nfedu.course.exercises.judging import At, WrongError, expect, numbers, parts

HINTS = {
    "kl_after": (
        "A z + b has the mean A m + b and the covariance E[A (z − m)(z − m)ᵀ Aᵀ].",
        "KL(N(m, S) ‖ N(m2, S2)) = ½ [tr(P S) + (m2 − m)ᵀ P (m2 − m) − n + log(det S2/det S)], P = S2⁻¹.",
        "Both Gaussians go through the map; and the KL before, by the same formula, must be the same number.",
    ),
    "gaussianize": (
        "Points stand in rows: R x for each row is x @ R.T.",
        "The rank says at which place a value stands; argsort says who stands at a place. Apply it twice.",
        "Φ⁻¹((k + ½)/N), with ranks from 0.",
    ),
    "split_kl": (
        "The formula for two Gaussians with S2 = diag S: the trace is n, the means are 0.",
        "A marginal is N(0, S_ii): its KL from N(0, 1) is ½ (S_ii − 1 − log S_ii).",
    ),
}


def gaussian_kl(m, S, m2, S2):
    """The KL by Cholesky factors."""
    L, L2 = np.linalg.cholesky(S), np.linalg.cholesky(S2)
    M, v = np.linalg.solve(L2, L), np.linalg.solve(L2, m2 - m)
    return 0.5 * ((M**2).sum() + v @ v - len(m)) + np.log(np.diag(L2) / np.diag(L)).sum()


def kl_after(theirs, rng):
    for n, log_ratio in ((3, 0.9), (1, -0.8), (2, -0.6)):  # log(det S2/det S): of both signs
        A, b = rng.standard_normal((n, n)) + 2 * np.eye(n), rng.standard_normal(n)
        m, m2 = rng.standard_normal((2, n))
        roots = rng.standard_normal((2, n, n))
        S, S2 = roots @ roots.swapaxes(1, 2) + 0.5 * np.eye(n)
        S2 = S2 * np.exp((log_ratio + np.linalg.slogdet(S)[1] - np.linalg.slogdet(S2)[1]) / n)
        mean, covariance, kl = parts("kl_after", theirs(A, b, m, S, m2, S2), 3, 1, "mean, covariance and KL")
        expect("the mean", mean, A @ m + b, 1, typical={"path-missing: b is missing": A @ m})
        expect("the covariance", covariance, A @ S @ A.T, 1, typical={
            "transposed: Aᵀ S A, where A S Aᵀ belongs": A.T @ S @ A,
            "wrong-term: A S: both sides are multiplied": A @ S,
        })  # fmt: skip
        right, other = gaussian_kl(m, S, m2, S2), gaussian_kl(m2, S2, m, S)
        Q, v = A @ S2 @ A.T, A @ (m2 - m)
        P = np.linalg.inv(Q)
        expect("the KL", kl, right, 2, typical={
            "direction: it is the KL of the second from the first": other,
            "sign: the logarithm is that of det S2/det S, not the other way round" if n == 3 else
            "sign: a logarithm may be negative: not its modulus": right - log_ratio,
            "path-missing: −n is missing": right + n / 2,
            "factor: ½ is missing": 2 * right,
            "path-missing: the logarithm of the determinants is missing": right - log_ratio / 2,
            "path-missing: the difference of means is missing": right - 0.5 * v @ P @ v,
            "wrong-term: S2 where its inverse belongs": 0.5 * (np.trace(Q @ A @ S @ A.T) + v @ Q @ v - n + log_ratio),
            "wrong-term: only the first Gaussian has gone through the map": At(3, gaussian_kl(
                A @ m + b, A @ S @ A.T, m2, S2)),
        })  # fmt: skip


def gaussianize(theirs, rng):
    for N, n in ((7, 3), (40, 2), (5, 1)):
        x = rng.standard_normal((N, n)) ** 3
        R = ortho_group(n, seed=rng).rvs() if n > 1 else -np.eye(1)
        given = numbers("the points", theirs(x, R), 1)

        def normal(y, shift=0.5, N=N, twice=True):
            order = np.argsort(y, axis=0)
            return norm.ppf(((np.argsort(order, axis=0) if twice else order) + shift) / N)

        expect("the points", given, normal(x @ R.T), 2, typical={
            "transposed: each point becomes R x: with points in rows, x Rᵀ": At(1, normal(x @ R)),
            "path-missing: they are not rotated": At(1, normal(x)),
            "permuted: argsort says who stands at a place, not at which place each one stands": normal(
                x @ R.T, twice=False),
            "permuted: the points come sorted; rows must stay where they were": np.sort(normal(x @ R.T), axis=0),
            "wrong-term: they are rotated only; marginals are not normal": At(3, x @ R.T),
            "wrong-term: (k + ½)/N is there, Φ⁻¹ is missing": At(3, norm.cdf(normal(x @ R.T))),
            "wrong-term: marginals are standardized only: their shape stays": At(3, (
                x @ R.T - (x @ R.T).mean(axis=0)) / (x @ R.T).std(axis=0)),
            "wrong-term: ranks go from 0: (k + ½)/N, not (k + 1)/(N + 1)": At(3, normal(x @ R.T, 1, N + 1)),
        })  # fmt: skip


def split_kl(theirs, rng):
    for n in (3, 2, 1, 5):
        root = rng.standard_normal((n, n))
        S = root @ root.T + 0.3 * np.eye(n)
        total, marginals = parts("split_kl", theirs(S), 2, 1, "the total correlation and the marginals' KLs")
        d, log_det, zero = np.diag(S), np.linalg.slogdet(S)[1], np.zeros(n)
        right = gaussian_kl(zero, S, zero, np.diag(d))
        expect("the total correlation", total, right, 1, typical={
            "sign: Σ log S_ii − log det S, not the other way round; it is never negative": -right,
            "factor: ½ is missing": 2 * right,
            "wrong-term: this is the whole KL from N(0, I)": gaussian_kl(zero, S, zero, np.eye(n)),
            "path-missing: Σ log S_ii is missing": -log_det / 2,
        } if n > 1 else {})  # fmt: skip
        if np.shape(marginals) == () and n > 1:
            raise WrongError("the marginals' KLs: shape: one number, expected one for each coordinate", 2)
        expect("the marginals' KLs", marginals, 0.5 * (d - 1 - np.log(d)), 2, typical={
            "factor: ½ is missing": d - 1 - np.log(d),
            "path-missing: −1 is missing": 0.5 * (d - np.log(d)),
            "sign: −log S_ii, not +": 0.5 * (d - 1 + np.log(d)),
            "factor: S_ii is the variance; here it is squared": 0.5 * (d**2 - 1 - np.log(d**2)),
        })  # fmt: skip
