"""Models of images that several lessons use."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from nfedu.arrays import as_shape
from nfedu.bijections import (
    Bijection,
    FactorOut,
    ImageCoupling,
    Logit,
    MintUnit,
    Rescale,
    Squeeze,
)
from nfedu.bijections.masks import channels
from nfedu.distributions import StandardNormal
from nfedu.flow import Flow

PAIRS = ((0, 3), (0, 1), (0, 2))  # after a squeeze: checkerboard, rows, columns


def image_real_nvp(
    shape: Sequence[int] = (1, 8, 8), filters: int = 24, couplings: int = 12, *, rng: np.random.Generator
) -> Flow:
    """Return RealNVP for images of one channel, x ∈ [0, 1], height and width multiples of 4.

    From x to z: logit; squeeze; `couplings` at half the size, whose masks are checkerboard, rows and columns of pixels
    in turn, each followed by its exchange of roles; squeeze, half of the channels factored out; two couplings of the
    others; a scale for each latent. `filters`: of every network. The base is a standard normal. Raises ValueError for
    more than one channel, a size that cannot be squeezed twice, or couplings < 0.
    """
    if as_shape(shape, "image_real_nvp")[0] != 1 or couplings < 0:
        raise ValueError(
            f"image_real_nvp: shape = {tuple(shape)}, couplings = {couplings}; expected one channel, couplings ≥ 0"
        )
    first = Squeeze(as_shape(shape, "image_real_nvp"))
    second = Squeeze(first.squeezed)
    n, (C, H, W) = prod(first.shape), second.squeezed
    rest = (C // 2, H, W)
    from_x: list[Bijection] = [Logit(n), first]
    for m in range(couplings):
        mask = channels(first.squeezed, passing=PAIRS[m // 2 % 3])
        from_x.append(ImageCoupling(first.squeezed, filters, flip=bool(m % 2), mask=mask, rng=rng))
    deeper = [ImageCoupling(rest, filters, flip=flip, mask="channels", rng=rng) for flip in (False, True)]
    from_x += [second, FactorOut(n, deeper), Rescale(n)]
    return Flow(StandardNormal(n), from_x[::-1])


def mint_net(
    shape: Sequence[int] = (1, 8, 8),
    filters: Sequence[int] = (16, 8, 4),
    units: Sequence[int] = (3, 4, 1),
    *,
    rng: np.random.Generator,
) -> Flow:
    """Return a MintNet for images x ∈ [0, 1], height and width multiples of 4.

    From x to z: logit; then at full size, and after each of two squeezes, as many MintUnits as `units` says, with so
    many `filters`; a scale for each latent. The base is a standard normal. Source: Song, Meng & Ermon 2019, section 4.
    """
    at, n = as_shape(shape, "mint_net"), prod(shape)
    from_x: list[Bijection] = [Logit(n)]
    for stage, (width, count) in enumerate(zip(filters, units, strict=True)):
        if stage:
            squeeze = Squeeze(at)
            from_x.append(squeeze)
            at = squeeze.squeezed
        from_x += [MintUnit(at, width, rng=rng) for _ in range(count)]
    return Flow(StandardNormal(n), [*from_x, Rescale(n)][::-1])
