"""The base's samples do not follow its log_prob."""

import numpy as np

from nfedu import GaussianMixture, StandardLogistic, StandardNormal


class RootTransposed(StandardNormal):
    """Samples ε L have the covariance LᵀL, the density has LLᵀ."""

    L = np.array([[1.5, 0.0, 0.0], [0.9, 0.6, 0.0], [-0.3, 0.2, 1.0]])

    def log_prob(self, z):
        return super().log_prob(z @ np.linalg.inv(self.L).T) - np.log(np.diag(self.L)).sum()

    def sample(self, count, rng):
        return super().sample(count, rng) @ self.L  # wrong: self.L.T

    def score(self, z):
        return -z @ np.linalg.inv(self.L @ self.L.T)


class OneComponentForAll(GaussianMixture):
    """One component is drawn for the whole batch, not one for each point."""

    def __init__(self, n):
        super().__init__([[-1.5] * n, [1.5] * n])

    def sample(self, count, rng):
        k = rng.integers(2)  # wrong: rng.integers(2, size=count)
        return self.means[k] + rng.standard_normal((count, self.n))


class SameNumberInEachCoordinate(StandardNormal):
    """One normal number a row, repeated: each coordinate is right, together they lie on a line."""

    def sample(self, count, rng):
        z = rng.standard_normal((count, 1))
        return np.repeat(z, self.n, axis=1) + 0.1 * rng.standard_normal((count, self.n))  # wrong: (count, self.n)


class LaplaceForLogistic(StandardLogistic):
    """The same tails e^{−|z|}, another middle."""

    def sample(self, count, rng):
        return rng.laplace(size=(count, self.n))  # wrong: rng.logistic
