"""A round trip that does not come back: not quite, in another order, or not at all."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import DIGITS, Diagnosis, is_single
from nfedu.checks.diagnosis.order import matched

SINGLE = (1.5e-8, 4e-7)  # the largest error of a few numbers in float32
UNDOES = 0.05  # a round trip that misses by less nearly comes back


def of_round_trip(
    back: Array, start: Array, unit: Array, tolerance: Array, end: Array, staircase: bool = False
) -> Diagnosis:
    """Name what a round trip by way of `end` changed, (N, n) all three, columns of size `unit`.

    `staircase` says that one of the maps has steps where a smooth one has a slope.
    """
    off = np.nan_to_num(abs(back - start) / unit, nan=np.inf)
    wrong = ~(abs(back - start) <= tolerance)
    if (off <= UNDOES).all():
        relative = off / np.maximum(1, abs(start) / unit)
        stairs = staircase and SINGLE[0] < relative.max() < SINGLE[1]
        if (relative <= DIGITS).all() and (is_single(back) or is_single(end) or stairs):
            return Diagnosis("precision", "right to seven digits: float32 on the way")
        words = (
            f"comes back to {off.max():.1g} of a column's size, not to rounding: an iteration or a series is cut short"
        )
        return Diagnosis("inexact", words)
    order = matched(back.T, start.T, tolerance.max(axis=1))
    if order is not None:
        return Diagnosis("not-inverse", f"columns come back in another order, {order}: a permutation is not undone")
    columns = np.flatnonzero(wrong.any(axis=0)).tolist()
    if len(columns) < start.shape[1]:
        return Diagnosis(
            "not-inverse", f"only columns {columns} do not come back: another sign, scale or input one way"
        )
    return Diagnosis("not-inverse", "no column comes back: the two directions are not each other's inverse")
