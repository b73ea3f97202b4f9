"""The base's log_prob is no density."""

import numpy as np
from scipy.special import logsumexp

from nfedu import GaussianMixture, StandardNormal


class CovarianceWithoutItsDeterminant(StandardNormal):
    """N(0, LLᵀ) with the constant of N(0, I): −log det L is left out."""

    L = np.array([[1.5, 0.0, 0.0], [0.4, 0.6, 0.0], [-0.3, 0.2, 2.0]])

    def log_prob(self, z):
        return super().log_prob(z @ np.linalg.inv(self.L).T)  # wrong: - np.log(np.diag(self.L)).sum()

    def sample(self, count, rng):
        return super().sample(count, rng) @ self.L.T

    def score(self, z):
        return -z @ np.linalg.inv(self.L @ self.L.T)


class MixtureWithoutWeights(GaussianMixture):
    """Two components are added up with weight 1 each: the whole integrates to 2."""

    def __init__(self, n):
        super().__init__([[-1.0] * n, [1.0] * n])

    def log_prob(self, z):
        d = z[:, None, :] - self.means
        return logsumexp(-0.5 * (d**2).sum(axis=2), axis=1) - 0.5 * self.n * np.log(2 * np.pi)  # wrong: + log weights


class UnboundedExponential:
    """e^{−z} on z > 0, and e^{−z} also for z < 0, where it grows."""

    def __init__(self, n):
        self.n = n

    def log_prob(self, z):
        return -z.sum(axis=1)  # wrong: −∞ where a coordinate is negative

    def sample(self, count, rng):
        return rng.exponential(size=(count, self.n))

    def score(self, z):
        return -np.ones(z.shape)


class StudentWithoutGammas(StandardNormal):
    """Student's t with five degrees of freedom in each coordinate, without its normalizing constant."""

    def log_prob(self, z):
        return -3 * np.log(1 + z**2 / 5).sum(axis=1)  # wrong: + n (log Γ(3) − log Γ(5/2) − ½ log 5π)

    def sample(self, count, rng):
        return rng.standard_t(5, (count, self.n))

    def score(self, z):
        return -6 * z / (5 + z**2)
