"""Permutations of the coordinates: |det| = 1. They let every coordinate be changed by some coupling."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Mapped


class Permute(Bijection):
    """x_i = z_{π(i)}, log|det| = 0 both ways.

    `permutation`: π as a list of the numbers 0 … n−1, each once; a ValueError otherwise.
    """

    def __init__(self, permutation: Any) -> None:
        self.permutation = np.array(permutation)
        n = self.permutation.size
        integers = n > 0 and self.permutation.ndim == 1 and self.permutation.dtype.kind in "iu"
        if not integers or not np.array_equal(np.sort(self.permutation), np.arange(n)):
            raise ValueError(
                f"Permute: {permutation!r} is no permutation, expected each of 0 … n−1 once, "
                "as np.random.Generator.permutation(n) gives"
            )
        self.n = n
        self.inverse = np.argsort(self.permutation)

    def z_to_x(self, z: Array) -> Mapped:
        """Pick: coordinate i of x is coordinate π(i) of z."""
        z = as_batch(z, self.n, self, "z")
        return z[:, self.permutation], np.zeros(len(z), z.dtype), lambda g_x, g_log_det: g_x[:, self.inverse]

    def x_to_z(self, x: Array) -> Mapped:
        """Put back."""
        x = as_batch(x, self.n, self, "x")
        return x[:, self.inverse], np.zeros(len(x), x.dtype), lambda g_z, g_log_det: g_z[:, self.permutation]

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return the permutation matrix and its transpose."""
        matrix = np.eye(self.n)[self.permutation]
        return matrix, matrix.T


class Reverse(Permute):
    """x_i = z_{n+1−i}: the coordinates in reverse order. Its own inverse."""

    def __init__(self, n: int) -> None:
        super().__init__(np.arange(as_dimension(n, self))[::-1])
