"""sample or log_prob takes the wrong direction."""

import numpy as np

import nfedu


class LogDetOfTheOtherWay(nfedu.Flow):
    """log_prob, and nll and score with it, subtract the log-det that they must add."""

    def log_prob(self, x):
        z, log_det, _ = self.x_to_z(x)
        return self.base.log_prob(z) - log_det  # wrong: +

    def score(self, x):
        z, _, backward = self.x_to_z(x)
        kept = self.grad.copy()
        score = backward(self.base.score(z), -np.ones(len(z), self.dtype))
        self.grad[:] = kept
        return score

    def nll(self, x):
        z, log_det, backward = self.x_to_z(x)
        N = len(z)
        self.grad[:] = 0
        backward(-self.base.score(z) / N, np.full(N, 1 / N))
        return -(self.base.log_prob(z) - log_det).mean()


class OnlyLogProb(nfedu.Flow):
    """log_prob alone subtracts the log-det; nll, which has its own lines, does not."""

    def log_prob(self, x):
        z, log_det, _ = self.x_to_z(x)
        return self.base.log_prob(z) - log_det  # wrong: +


class DensityOfTheSampler(nfedu.Flow):
    """log_prob sends data through z_to_x."""

    def log_prob(self, x):
        z, log_det, _ = self.z_to_x(x)  # wrong: x_to_z
        return self.base.log_prob(z) + log_det


class LayersFromTheEnd(nfedu.Flow):
    """sample goes through the layers from the last to the first."""

    def sample(self, count, rng):
        x = self.base.sample(count, rng)
        for layer in reversed(self.bijection.bijections):  # wrong: from the first to the last
            x = layer.z_to_x(x)[0]
        return x


class SamplesByTheInverse(nfedu.Flow):
    """sample sends the base's samples through x_to_z, in eight dimensions."""

    dimension = 8

    def sample(self, count, rng):
        return self.x_to_z(self.base.sample(count, rng))[0]  # wrong: z_to_x
