"""An affine map that is not learned, and the one that whitens data: fixed from them, so that no step is in their units.

Were the shift a parameter, a step of 0.001 would be nothing for data of size 1e6, and thousands of standard deviations
for data of size 1e-6. Fixed, all that is learned sees data of mean 0 and covariance I, whatever their units.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Bijection, Mapped


class FixedAffine(Bijection):
    r"""x = t + L z with a lower triangular L; nothing is learned.

    z_to_x: x = t + L z,           log|det ∂x/∂z| = Σ log|L_ii|
    x_to_z: z = L⁻¹ (x − t),       log|det ∂z/∂x| = −Σ log|L_ii|

    `shift`: t, (n,). `matrix`: L, (n, n), or its diagonal, (n,). Raises ValueError for other shapes, numbers that are
    not finite, an entry above the diagonal, or a 0 on it.
    """

    def __init__(self, shift: Any, matrix: Any) -> None:
        self.shift, matrix = np.array(shift, dtype=np.float64), np.array(matrix, dtype=np.float64)
        self.matrix = np.diag(matrix) if matrix.ndim == 1 else matrix
        self.n = self.shift.size
        fits = self.n > 0 and self.shift.shape == (self.n,) and self.matrix.shape == (self.n, self.n)
        if not fits or not (np.isfinite(self.shift).all() and np.isfinite(self.matrix).all()):
            raise ValueError(
                f"FixedAffine: shift has shape {self.shift.shape}, matrix {matrix.shape}; expected finite numbers, "
                "(n,) and (n, n) or (n,), with n ≥ 1"
            )
        diagonal = np.diag(self.matrix)
        if (diagonal == 0).any() or np.triu(self.matrix, 1).any():
            raise ValueError("FixedAffine: expected a matrix with zeros above its diagonal, and none on it")
        self.log_det = float(np.log(abs(diagonal)).sum())

    def z_to_x(self, z: Array) -> Mapped:
        """Multiply, then shift."""
        z = as_batch(z, self.n, self, "z")
        L = self.matrix.astype(z.real.dtype, copy=False)
        x = z @ L.T + self.shift.astype(L.dtype, copy=False)
        return x, np.full(len(z), self.log_det, z.dtype), lambda g_x, g_log_det: g_x @ L

    def x_to_z(self, x: Array) -> Mapped:
        """Take the shift off, then solve."""
        x = as_batch(x, self.n, self, "x")
        L = self.matrix.astype(x.real.dtype, copy=False)

        from scipy.linalg import solve_triangular

        def solve(y: Array, transposed: int) -> Array:
            return solve_triangular(L, y.T, lower=True, trans=transposed, check_finite=False).T

        z = solve(x - self.shift.astype(L.dtype, copy=False), 0)
        return z, np.full(len(x), -self.log_det, x.dtype), lambda g_z, g_log_det: solve(g_z, 1)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return triangles for both directions."""
        pattern = np.where(np.tri(self.n, dtype=bool), np.nan, 0.0)
        return pattern, pattern


def whitening(x: Array) -> FixedAffine:
    """Return the map from z ~ N(0, I) to the Gaussian with the mean and covariance of the rows of `x`, (N, n), N > n.

    L Lᵀ is the covariance, with 1/N. It comes from a QR decomposition of the centred data, whose condition number is
    the root of the covariance's: columns that almost determine each other keep twice the digits. Raises ValueError
    where the covariance is singular.
    """
    mean, deviation, centred = centre(x)
    R = np.linalg.qr(centred / deviation, mode="r") / np.sqrt(len(x))
    L = deviation[:, None] * (R * np.sign(np.diag(R))[:, None]).T
    if len(x) <= x.shape[1] or (abs(np.diag(R)) < 4 * np.finfo(float).eps).any():
        raise ValueError(
            f"whitening: the covariance of {len(x)} rows of {x.shape[1]} columns is singular; take out columns that "
            "others determine, or use `standardising`"
        )
    return FixedAffine(mean, L)


def standardising(x: Array) -> FixedAffine:
    """Return the map from z of mean 0 and deviation 1 to the mean and deviation of each column of `x`, (N, n)."""
    mean, deviation, _ = centre(x)
    return FixedAffine(mean, deviation)


def centre(x: Array) -> tuple[Array, Array, Array]:
    """Return the mean and deviation of each column, and x less the mean; ValueError for a column that is constant."""
    x = as_batch(x, np.shape(x)[-1], "whitening").astype(np.float64)
    constant = (x == x[0]).all(axis=0)
    if constant.any():
        raise ValueError(
            f"whitening: column {int(np.argmax(constant))} is constant, {x[0][constant][0]:g}; leave it out"
        )
    mean = x.mean(axis=0)
    mean = mean + (x - mean).mean(axis=0)  # what rounding has left, for offsets of many deviations
    return mean, (x - mean).std(axis=0), x - mean
