"""What all maps of single coordinates share (N2): log|det| is a sum over coordinates."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array, as_dimension
from nfedu.bijections.base import Bijection


class Elementwise(Bijection):
    """What all scalar maps share: a dimension n, and a Jacobian with zeros off its diagonal."""

    def __init__(self, n: int) -> None:
        self.n = as_dimension(n, self)

    def per_coordinate(self, value: Any, letter: str) -> Array:
        """Return a scalar or n numbers as a finite float array of shape (n,), or raise ValueError."""
        value = np.asarray(value, dtype=np.float64)
        if value.shape not in ((), (self.n,)) or not np.isfinite(value).all():
            raise ValueError(
                f"{type(self).__name__}: {letter} = {value} with shape {value.shape}, "
                f"expected a finite number or {self.n} of them, one per coordinate"
            )
        return np.broadcast_to(value, self.n).copy()

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return zeros off the diagonal, for both directions."""
        pattern = np.where(np.eye(self.n), np.nan, 0.0)
        return pattern, pattern
