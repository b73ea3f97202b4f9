"""nll's value or gradient is wrong."""

import numpy as np

import nfedu


class Ascends(nfedu.Flow):
    """The gradient is that of the mean log-likelihood, for an optimizer that climbs."""

    def nll(self, x):
        loss = super().nll(x)
        self.grad[:] *= -1  # wrong: as it is
        return loss


class LogDetWithoutGradient(nfedu.Flow):
    """The log-dets count in the value, not in the gradient."""

    def nll(self, x):
        z, log_det, backward = self.x_to_z(x)
        N = len(z)
        self.grad[:] = 0
        backward(-self.base.score(z) / N, np.zeros(N))  # wrong: np.full(N, -1 / N)
        return -(self.base.log_prob(z) + log_det).mean()


class PenaltyInTheValue(nfedu.Flow):
    """A penalty on θ is added to the value that nll returns; it belongs to the optimizer."""

    def nll(self, x):
        return super().nll(x) + 0.01 * float((self.theta**2).sum())  # wrong: super().nll(x)


class PerDimension(nfedu.Flow):
    """The value is given per dimension, as papers print it; the gradient is not."""

    def nll(self, x):
        return super().nll(x) / self.n  # wrong: super().nll(x)
