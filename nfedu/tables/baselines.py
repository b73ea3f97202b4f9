"""What a flow has to beat: the Gaussian of the training rows, and a kernel density estimate of them.

Both see the rows whitened, which changes neither but for rounding, and report densities of the rows as they were.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections import FixedAffine, standardising, whitening
from nfedu.distributions import StandardNormal
from nfedu.flow import Flow

BANDWIDTHS = np.geomspace(0.005, 1.5, 20)  # in deviations
KERNELS, HELD_OUT = 5_000, 1_000  # rows at most: those that make it, and those that choose the bandwidth


def gaussian(x: Array) -> Flow:
    """Return the Gaussian with the mean and covariance of the rows: a flow of one fixed layer."""
    return Flow(StandardNormal(x.shape[1]), affine_of(x))


def affine_of(x: Array) -> FixedAffine:
    """Return what whitens x, or only standardises it where rows are few."""
    return whitening(x) if len(x) > 2 * x.shape[1] else standardising(x)


class KernelDensity:
    """`scipy.stats.gaussian_kde` with the covariance of the training rows times a bandwidth², chosen on validation.

    Of more than `KERNELS` rows it takes the first ones, which are in random order.
    """

    def __init__(self, x: Array, validation: Array) -> None:
        self.affine = affine_of(x)
        self.points = self.affine.x_to_z(x[:KERNELS])[0].T  # (n, N), as SciPy has them
        losses = [-self.log_prob(validation[:HELD_OUT], bandwidth).mean() for bandwidth in BANDWIDTHS]
        self.bandwidth = float(BANDWIDTHS[int(np.argmin(losses))])

    def log_prob(self, x: Array, bandwidth: float | None = None) -> Array:
        """Return log p(x) for each row, (N,)."""
        from scipy.stats import gaussian_kde

        z, log_det, _ = self.affine.x_to_z(x)
        return gaussian_kde(self.points, bw_method=bandwidth or self.bandwidth).logpdf(z.T) + log_det
