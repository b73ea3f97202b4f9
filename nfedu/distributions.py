"""Base distributions and targets: each with `log_prob`, `sample`, and its score, the gradient d log p/dz.

The shapes are those of a flow: points (N, n), log_prob (N,), score (N, n). Everything is in nats.
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from nfedu.analytic import log_sum_exp, softplus
from nfedu.arrays import Array, as_batch, as_count, as_dimension, over_columns
from nfedu.printing import call_of

LOG_2PI = float(np.log(2 * np.pi))


class Distribution(Protocol):
    """A density on Rⁿ that can be evaluated, drawn from, and differentiated."""

    n: int

    def log_prob(self, z: Array) -> Array:
        """Return log p(z) for each row, (N,)."""

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` points, (count, n)."""

    def score(self, z: Array) -> Array:
        """Return d log p/dz, (N, n)."""


class StandardNormal:
    """N(0, I) in n dimensions: log p(z) = −½ Σ z_i² − (n/2) log 2π, score −z."""

    def __init__(self, n: int) -> None:
        self.n = as_dimension(n, self)

    def __repr__(self) -> str:
        return call_of(self)

    def log_prob(self, z: Array) -> Array:
        """Return log p(z) for each row, (N,)."""
        z = as_batch(z, self.n, self, "z")
        return -0.5 * over_columns(z * z) - 0.5 * self.n * LOG_2PI

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` points, (count, n)."""
        count = as_count(count, rng, self)
        return rng.standard_normal((count, self.n))

    def score(self, z: Array) -> Array:
        """Return −z."""
        return -as_batch(z, self.n, self, "z")


class StandardLogistic:
    """Independent logistic coordinates, NICE's base: log p(z) = −Σ [softplus(z_i) + softplus(−z_i)]; score −tanh(z/2).

    Variance π²/3 per coordinate, and tails e^{−|z|}, heavier than the normal's. Source: Dinh et al. 2014, section 3.4.
    """

    def __init__(self, n: int) -> None:
        self.n = as_dimension(n, self)

    def __repr__(self) -> str:
        return call_of(self)

    def log_prob(self, z: Array) -> Array:
        """Return log p(z) for each row, (N,)."""
        z = as_batch(z, self.n, self, "z")
        return -(2 * softplus(-z) + z).sum(axis=1)

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` points, (count, n)."""
        count = as_count(count, rng, self)
        return rng.logistic(size=(count, self.n))

    def score(self, z: Array) -> Array:
        """Return −tanh(z/2)."""
        return -np.tanh(as_batch(z, self.n, self, "z") / 2)


class GaussianMixture:
    """A mixture Σ_k w_k N(μ_k, Σ_k): a target whose density, samples and score are known exactly.

    `means` (K, n); `covariances` (K, n, n), or one (n, n) for all, or a number σ² for σ² I; `weights` (K,) ≥ 0, scaled
    to sum to one, equal unless given. Raises ValueError for other shapes or a covariance not positive definite.
    """

    def __init__(self, means: Any, covariances: Any = 1.0, weights: Any = None) -> None:
        self.means = as_batch(means, np.shape(means)[-1] if np.ndim(means) else 1, self, "means").astype(np.float64)
        K, self.n = self.means.shape
        covariances = np.asarray(covariances, dtype=np.float64)
        if covariances.ndim == 0:
            covariances = covariances * np.eye(self.n)
        if covariances.shape not in ((self.n, self.n), (K, self.n, self.n)):
            raise ValueError(
                f"GaussianMixture: covariances have shape {covariances.shape}, expected a number, "
                f"({self.n}, {self.n}) or ({K}, {self.n}, {self.n})"
            )
        self.covariances = np.broadcast_to(covariances, (K, self.n, self.n))
        if not np.allclose(self.covariances, self.covariances.swapaxes(1, 2), rtol=1e-12, atol=0):
            raise ValueError(
                "GaussianMixture: a covariance is not finite and symmetric; check its off-diagonal entries"
            )
        weights = np.ones(K) if weights is None else np.asarray(weights, dtype=np.float64)
        if weights.shape != (K,) or not ((weights >= 0) & (weights < np.inf)).all() or weights.sum() == 0:
            raise ValueError(f"GaussianMixture: weights = {weights}, expected {K} numbers ≥ 0, not all 0")
        self.weights = weights if abs(weights.sum() - 1) < 1e-14 else weights / weights.sum()
        try:
            self.roots = np.linalg.cholesky(self.covariances)  # Σ_k = L_k L_kᵀ
        except np.linalg.LinAlgError:
            raise ValueError("GaussianMixture: a covariance is not positive definite; raise its diagonal") from None
        self.precisions = np.linalg.inv(self.covariances)

    def log_prob(self, z: Array) -> Array:
        """Return log p(z) for each row, (N,)."""
        z = as_batch(z, self.n, self, "z")
        return log_sum_exp(self._log_joint(z), axis=1).astype(z.dtype)

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` points, (count, n)."""
        count = as_count(count, rng, self)
        k = rng.choice(len(self.weights), size=count, p=self.weights)
        return self.means[k] + np.einsum("Nij,Nj->Ni", self.roots[k], rng.standard_normal((count, self.n)))

    def score(self, z: Array) -> Array:
        """Return Σ_k p(k|z) Σ_k⁻¹ (μ_k − z)."""
        z = as_batch(z, self.n, self, "z")
        log_joint = self._log_joint(z)
        responsibility = np.exp(log_joint - log_sum_exp(log_joint, axis=1)[:, None])  # p(k|z), (N, K)
        pull = np.einsum("kij,Nkj->Nki", self.precisions, self.means - z[:, None, :])
        return np.einsum("Nk,Nki->Ni", responsibility, pull).astype(z.dtype)

    def _log_joint(self, z: Array) -> Array:
        """Return log w_k + log N(z; μ_k, Σ_k), (N, K)."""
        d = z[:, None, :] - self.means
        distance = np.einsum("Nki,kij,Nkj->Nk", d, self.precisions, d)
        log_root = np.log(np.einsum("kii->ki", self.roots)).sum(axis=1)
        with np.errstate(divide="ignore"):  # a weight may be 0
            return np.log(self.weights) - 0.5 * distance - log_root - 0.5 * self.n * LOG_2PI
