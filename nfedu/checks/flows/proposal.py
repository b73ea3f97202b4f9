"""A proposal for importance weights: points are drawn from a q that is wide enough, and weighted by w = p/q.

E_q[w] = ∫p, and E_q[w 1_A] = ∫_A p, in any dimension as long as enough points carry the weight: (Σw)²/Σw² of them.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array

EFFECTIVE = 2000.0  # the least effective number of points for an integral to be judged
LARGEST = 0.01  # the largest share of the weight that one point may carry
CENTRES = 60  # of the proposal's local part


class Proposal:
    """A mixture that covers what samples (N, n) cover: a wide Gaussian, a Cauchy for the tails, and local Gaussians.

    Not `correlated`, it covers coordinates on their own: samples on a line say little of a density that is none.
    """

    def __init__(self, samples: Array, rng: np.random.Generator, correlated: bool = True) -> None:
        middle = np.median(samples, axis=0)
        low, high = np.quantile(samples, [0.16, 0.84], axis=0)
        unit = np.where(high > low, (high - low) / 2, 1.0)
        white = (samples - middle) / unit
        core = white[(abs(white) < 6).all(axis=1)]
        n = samples.shape[1]
        covariance = np.atleast_2d(np.cov((core if len(core) > 10 * n else white).T)) + 1e-6 * np.eye(n)
        covariance = covariance if correlated else np.diag(np.diag(covariance))
        self.root = unit[:, None] * np.linalg.cholesky(covariance)  # (n, n)
        self.inverse = np.linalg.inv(self.root)
        self.log_volume = float(np.log(np.diag(self.root)).sum())
        self.middle, self.n = middle, n
        self.wide = 1 + 0.6 / np.sqrt(n)  # its standard deviation, in units of the samples'
        self.shares = np.array([0.5, 0.1, 0.4]) if n <= 4 else np.array([0.9, 0.1, 0.0])
        self.centres = self.white(samples[rng.choice(len(samples), CENTRES, replace=False)])
        self.width = 1.2 * CENTRES ** (-1 / (n + 4))

    def white(self, x: Array) -> Array:
        """Return points in whitened units."""
        return (x - self.middle) @ self.inverse.T

    def draw(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """Return points (count, n) and their log q."""
        kind = rng.choice(3, count, p=self.shares)
        y = rng.standard_normal((count, self.n))
        y[kind == 0] *= self.wide
        y[kind == 1] /= abs(rng.standard_normal((np.count_nonzero(kind == 1), 1)))
        local = kind == 2
        y[local] = self.centres[rng.integers(CENTRES, size=np.count_nonzero(local))] + self.width * y[local]
        return self.middle + y @ self.root.T, self.log_density(y) - self.log_volume

    def log_prob(self, x: Array) -> Array:
        """Return log q of points."""
        return self.log_density(self.white(x)) - self.log_volume

    def log_density(self, y: Array) -> Array:
        """Return log q in whitened units."""
        from scipy.special import gammaln, logsumexp

        n, r2 = self.n, (y**2).sum(axis=1)
        gaussian = -0.5 * r2 / self.wide**2 - n * np.log(self.wide) - 0.5 * n * np.log(2 * np.pi)
        cauchy = gammaln((1 + n) / 2) - gammaln(0.5) - 0.5 * n * np.log(np.pi) - 0.5 * (1 + n) * np.log1p(r2)
        parts = [gaussian, cauchy]
        if self.shares[2]:
            d2 = r2[:, None] + (self.centres**2).sum(axis=1) - 2 * y @ self.centres.T
            local = logsumexp(-0.5 * d2 / self.width**2, axis=1) - np.log(CENTRES)
            parts.append(local - n * np.log(self.width) - 0.5 * n * np.log(2 * np.pi))
        return logsumexp(np.stack(parts), axis=0, b=self.shares[: len(parts), None])


def enough(weights: Array) -> bool:
    """Return whether enough points carry the weight for its mean to have a known error."""
    total = weights.sum()
    few = total**2 < EFFECTIVE * (weights**2).sum() or weights.max() > LARGEST * total
    return bool(np.isfinite(total) and not few)
