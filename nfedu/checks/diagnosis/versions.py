"""A gradient in two versions: what backward believes, and what the map has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import CLOSE


@dataclass(frozen=True)
class Gradients:
    """Two versions of the derivatives of a batch's outputs and log-dets by some entries, (N, n + 1, entries…).

    `given` is what backward believes, from unit vectors, `expected` what the map has, each entry up to `tolerance`;
    the last output is log_det. `y` are the input's rows (N, n), where the entries are the input itself; `block` are the
    indices of the entries along each axis of their parameter, where they are not all of it.
    """

    given: Array
    expected: Array
    tolerance: Array
    y: Array | None = None
    block: Sequence[Array] | None = None

    @property
    def wrong(self) -> Array:
        """Which entries are off."""
        return ~(abs(self.given - self.expected) <= self.tolerance)

    def scaled(self, factor: Array | float) -> Array:
        """Return where given = factor · expected."""
        return abs(self.given - factor * self.expected) <= 10 * self.tolerance + CLOSE * abs(self.expected)
