"""What a flow has to beat: the Gaussian of the training rows, and a kernel density estimate of them.

Both see what the flow sees: the columns with their supports undone, an income as its logarithm, and whitened. They
report densities of the rows as they were. So what a flow gains, it has learned: it is not the gain of a logarithm.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections import Bijection, Chain
from nfedu.distributions import StandardNormal
from nfedu.flow import Flow
from nfedu.models.vectors import gaussian_of

BANDWIDTHS = np.geomspace(0.005, 1.5, 20)  # in deviations
KERNELS, HELD_OUT = 5_000, 1_000  # rows at most: those that make it, and those that choose the bandwidth


def gaussian(x: Array, supports: Sequence[Bijection] = ()) -> Flow:
    """Return the Gaussian with the mean and covariance of the rows, the supports undone: a flow that learns nothing."""
    return Flow(StandardNormal(x.shape[1]), [*gaussian_of(x.shape[1], x, supports), *supports])


class KernelDensity:
    """`scipy.stats.gaussian_kde` with the covariance of the training rows times a bandwidth², chosen on validation.

    `supports` are undone first. Of more than `KERNELS` rows it takes the first ones, which are in random order.
    """

    def __init__(self, x: Array, validation: Array, supports: Sequence[Bijection] = ()) -> None:
        self.seen = Chain([*gaussian_of(x.shape[1], x, supports), *supports])
        self.points = self.seen.values("x_to_z", x[:KERNELS])[0].T  # (n, N), as SciPy has them
        losses = [-self.log_prob(validation[:HELD_OUT], bandwidth).mean() for bandwidth in BANDWIDTHS]
        self.bandwidth = float(BANDWIDTHS[int(np.argmin(losses))])

    def log_prob(self, x: Array, bandwidth: float | None = None) -> Array:
        """Return log p(x) for each row, (N,)."""
        from scipy.stats import gaussian_kde

        z, log_det = self.seen.values("x_to_z", x)
        return gaussian_kde(self.points, bw_method=bandwidth or self.bandwidth).logpdf(z.T) + log_det
