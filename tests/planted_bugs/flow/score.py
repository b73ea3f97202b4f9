"""score is not the gradient of log_prob."""

import numpy as np

import nfedu
from nfedu import GaussianMixture, StandardLogistic


class GradientOfTheDensity(StandardLogistic):
    """∇p instead of ∇ log p."""

    def score(self, z):
        return super().score(z) * np.exp(self.log_prob(z))[:, None]  # wrong: without the density


class PulledByAllAlike(GaussianMixture):
    """Each component pulls by its weight; it must pull by its responsibility, p(k|z)."""

    def __init__(self, n):
        super().__init__([[-1.5] * n, [1.5] * n], 1.0, [0.3, 0.7])

    def score(self, z):
        pull = self.means - z[:, None, :]
        return (self.weights[:, None] * pull).sum(axis=1)  # wrong: p(k|z)


class ScoreOfTheLatent(nfedu.Flow):
    """The base's score at z is returned as it is: the way from x to z is missing."""

    def score(self, x):
        z, _, _ = self.x_to_z(x)
        return self.base.score(z)  # wrong: backward(…, 1)
