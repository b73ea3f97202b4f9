"""Some columns go through a bijection, the others pass: how the columns of a table get maps of their own."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Mapped
from nfedu.parameters import Parameter, named


class OnColumns(Bijection):
    r"""A bijection f of dimension k on k of the n coordinates; the others pass.

    z_to_x: x_C = f(z_C),    x_i = z_i for i ∉ C;    log|det ∂x/∂z| is that of f
    x_to_z: z_C = f⁻¹(x_C),  z_i = x_i for i ∉ C;    log|det ∂z/∂x| is that of f⁻¹

    `columns`: C, k different numbers of 0 … n−1, in the order in which f meets them. Learned: what f learns. Raises
    ValueError for columns that are not so many, not different or not there.
    """

    def __init__(self, n: int, bijection: Bijection, columns: Sequence[int]) -> None:
        self.n, self.bijection = as_dimension(n, self), bijection
        self.columns = [int(column) for column in columns]
        different = set(self.columns) <= set(range(self.n)) and len(set(self.columns)) == len(self.columns)
        if not different or len(self.columns) != bijection.n:
            raise ValueError(
                f"OnColumns: columns = {list(columns)}, expected {bijection.n} different ones of 0 … {self.n - 1}, "
                f"for the bijection has n = {bijection.n}"
            )

    def z_to_x(self, z: Array) -> Mapped:
        """Map the columns, let the others pass."""
        return self._on_columns(self.bijection.z_to_x, as_batch(z, self.n, self, "z"))

    def x_to_z(self, x: Array) -> Mapped:
        """Map them back."""
        return self._on_columns(self.bijection.x_to_z, as_batch(x, self.n, self, "x"))

    def _on_columns(self, step: Callable[[Array], Mapped], y: Array) -> Mapped:
        out, log_det, step_backward = step(y[:, self.columns])

        def backward(g: Array, g_log_det: Array) -> Array:
            return replaced(g, self.columns, step_backward(g[:, self.columns], g_log_det))

        return replaced(y, self.columns, out), log_det, backward

    def parts(self) -> Sequence[Bijection]:
        """Return the bijection."""
        return [self.bijection]

    def parameters(self) -> dict[str, Parameter]:
        """Return its parameters, `bijection.` in front of each name."""
        return named(bijection=self.bijection)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return the identity but for the block of the columns, which holds the bijection's own pattern."""
        inner: Any = self.bijection.jacobian_pattern() or (np.nan, np.nan)
        patterns = np.eye(self.n), np.eye(self.n)
        for pattern, block in zip(patterns, inner, strict=True):
            pattern[np.ix_(self.columns, self.columns)] = block
        return patterns


def replaced(y: Array, columns: list[int], values: Array) -> Array:
    """Return a copy of y with other values in some columns."""
    y = y.astype(np.result_type(y, values))
    y[:, columns] = values
    return y
