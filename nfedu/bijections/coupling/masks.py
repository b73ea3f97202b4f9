"""Masks: which coordinates pass through a coupling unchanged. (n,) booleans, true where a coordinate passes.

An image of shape (channels, height, width) is flattened in this order: n = channels · height · width, a row of pixels
after the other. The exchanged roles are those of `~mask`, a coupling's `flip`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_dimension, as_shape, is_whole, name_of


def halves(n: int, d: int | None = None, owner: object = "halves") -> Array:
    """Return the mask 1:d of the notes: the first d coordinates pass, n // 2 unless given; 1 ≤ d < n (M4)."""
    n = as_dimension(n, owner, least=2)
    d = n // 2 if d is None else d
    if not is_whole(d, 1) or d >= n:
        raise ValueError(
            f"{name_of(owner)}: d = {d} with n = {n}, expected 1 ≤ d < n, an integer: d coordinates pass "
            "unchanged and n − d are transformed, and neither part may be empty (M4)"
        )
    return np.arange(n) < d


def checkerboard(shape: Any, owner: object = "checkerboard") -> Array:
    """Return RealNVP's first kind of mask: pixels with an even row + column pass, in every channel."""
    C, H, W = as_shape(shape, owner)
    even = np.add.outer(np.arange(H), np.arange(W)) % 2 == 0
    return as_mask(np.tile(even, (C, 1, 1)).ravel(), C * H * W, owner)


def channels(shape: Any, owner: object = "channels", *, passing: Sequence[int] | None = None) -> Array:
    """Return RealNVP's second kind of mask: some channels pass whole, the first half unless `passing` names others.

    After a squeeze of one channel, passing = (0, 3), (0, 1), (0, 2) let a checkerboard, rows or columns of pixels pass.
    """
    C, H, W = as_shape(shape, owner)
    if passing is not None and not set(passing) <= set(range(C)):
        raise ValueError(f"{name_of(owner)}: passing = {passing} with {C} channels, expected numbers 0 … {C - 1}")
    if C == 1:
        raise ValueError(
            f"{name_of(owner)}: one channel is not to be split by channels; use a checkerboard, or Squeeze"
        )
    chosen = np.isin(np.arange(C), range(C // 2) if passing is None else passing)
    return as_mask(np.repeat(chosen, H * W), C * H * W, owner)


def as_mask(mask: Any, n: int, owner: object) -> Array:
    """Return `mask`, booleans or 0 and 1, as booleans (n,), some true and some not; a ValueError otherwise."""
    given, mask = mask, np.array(mask)
    if mask.dtype.kind in "iuf" and np.isin(mask, (0, 1)).all():
        mask = mask.astype(bool)
    if mask.dtype != bool or mask.shape != (n,):
        raise ValueError(
            f"{name_of(owner)}: the mask has shape {np.shape(given)} and dtype {mask.dtype}, expected {n} booleans, "
            "true (or 1) where a coordinate passes; nfedu.masks makes some"
        )
    if mask.all() or not mask.any():
        lack = "nothing to transform" if mask.all() else "nothing that passes"
        raise ValueError(
            f"{name_of(owner)}: the mask of {n} coordinates leaves {lack}, expected some of each: what passes "
            "conditions what is transformed"
        )
    return mask
