"""The seed does not decide the samples."""

import numpy as np

import nfedu
from nfedu import StandardLogistic, StandardNormal


class OwnGenerator(StandardNormal):
    """The generator was made in the constructor, and goes on from call to call."""

    def __init__(self, n):
        super().__init__(n)
        self.rng = np.random.default_rng(0)

    def sample(self, count, rng):
        return self.rng.standard_normal((count, self.n))  # wrong: rng


class AlwaysTheSame(StandardLogistic):
    """A generator made anew in each call: every seed gives the same samples."""

    def sample(self, count, rng):
        return np.random.default_rng(0).logistic(size=(count, self.n))  # wrong: rng


class ShuffledAfterwards(nfedu.Flow):
    """The flow's samples are shuffled by the global generator."""

    def sample(self, count, rng):
        x = super().sample(count, rng)
        np.random.shuffle(x)  # noqa: NPY002  # wrong: no shuffle, or rng.shuffle
        return x
