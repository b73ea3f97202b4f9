"""Permutations of the coordinates, |det| = 1: for every coordinate to be changed by some coupling, and for images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension, as_shape
from nfedu.bijections.base import Bijection, Mapped


class Permute(Bijection):
    """x_i = z_{π(i)}, log|det| = 0 both ways.

    `permutation`: π as a list of the numbers 0 … n−1, each once; a ValueError otherwise.
    """

    def __init__(self, permutation: Any) -> None:
        self.permutation = as_permutation(permutation, self)
        self.n = self.permutation.size
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


class Squeeze(Permute):
    """Space for channels: an image x (C, H, W) becomes a z (4C, H/2, W/2), each 2×2 square a column of four channels.

    z's channel 4c + 2i + j holds row i, column j of the squares of x's channel c. Both are flattened; `squeezed` is z's
    shape. Raises ValueError for an odd height or width. Source: Dinh et al. 2016, section 3.6.
    """

    def __init__(self, shape: Sequence[int]) -> None:
        self.shape = as_shape(shape, self)
        C, H, W = self.shape
        if H % 2 or W % 2:
            raise ValueError(
                f"Squeeze: shape = {self.shape}, expected an even height and width, to be cut into 2×2 squares; "
                "pad the images, or squeeze less often"
            )
        self.squeezed = (4 * C, H // 2, W // 2)
        squares = np.arange(C * H * W).reshape(C, H // 2, 2, W // 2, 2).transpose(0, 2, 4, 1, 3)  # (C, i, j, H/2, W/2)
        super().__init__(np.argsort(squares.ravel()))


def as_permutation(permutation: Any, owner: object, n: int | None = None) -> Array:
    """Return a list of the numbers 0 … n−1, each once, as an array; a ValueError when it is none, or of another n."""
    given = np.array(permutation)
    n = given.size if n is None else n
    integers = n > 0 and given.shape == (n,) and given.dtype.kind in "iu"
    if not integers or not np.array_equal(np.sort(given), np.arange(n)):
        raise ValueError(
            f"{type(owner).__name__}: {permutation!r} is no permutation, expected each of 0 … n−1 once (n = {n}), "
            "as np.random.Generator.permutation(n) gives"
        )
    return given
