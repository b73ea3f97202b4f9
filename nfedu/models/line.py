"""A flow of each coordinate by itself: what is left of a model when n = 1, and what shapes the marginals when n > 1."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.bijections import Affine, Bijection, Chain, SinhArcsinh, Spline


def bent(n: int, groups: Sequence[Sequence[Bijection]], bins: int) -> list[Bijection]:
    """Return groups of layers, two warps before them, and with bins a spline before each: warps bend tails, too."""
    return [*warps(n, 2), *joined([[Spline(n, bins), *group] if bins else group for group in groups])]


def joined(groups: Sequence[Sequence[Bijection]]) -> list[Bijection]:
    """Return the layers of all groups."""
    return [layer for group in groups for layer in group]


def warps(n: int, count: int, width: float = 0.5) -> list[Bijection]:
    """Return so many warps in a row, each S⁻¹ ∘ SinhArcsinh ∘ S with S(z) = (z − c)/w: the identity at the start.

    A warp bends most within w = `width` of its centre c. The centres are spread like the quantiles of N(0, 1): were all
    warps the same at the start, they would have the same gradients, and stay the same.
    """
    centres = spread(count)
    return [Chain([Affine(n, 1 / width, -c / width), SinhArcsinh(n), Affine(n, width, c)]) for c in centres]


def spread(count: int) -> list[float]:
    """Return `count` numbers that divide N(0, 1) into equal parts, from the middle outwards."""
    from scipy.special import ndtri

    quantiles = ndtri((np.arange(count) + 0.5) / count)
    return [float(c) for c in quantiles[np.argsort(abs(quantiles), kind="stable")]]
