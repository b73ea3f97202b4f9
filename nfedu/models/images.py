"""Models of images that several lessons use."""

from __future__ import annotations

from collections.abc import Sequence
from math import prod

import numpy as np

from nfedu.arrays import as_shape, is_whole
from nfedu.bijections import (
    Bijection,
    FactorOut,
    ImageCoupling,
    Logit,
    MintUnit,
    Rescale,
    Squeeze,
)
from nfedu.bijections.coupling.masks import channels
from nfedu.distributions import StandardNormal
from nfedu.flow import Flow

PAIRS = ((0, 3), (0, 1), (0, 2))  # after a squeeze: checkerboard, rows, columns


def image_real_nvp(
    shape: Sequence[int] = (1, 8, 8), filters: int = 24, couplings: int = 12, *, rng: np.random.Generator
) -> Flow:
    """Return RealNVP for images x ∈ [0, 1], grey or in colours, height and width multiples of 4.

    From x to z: logit; squeeze; `couplings` at half the size, whose masks are checkerboard, rows and columns of pixels
    in turn, the same in each colour, each followed by its exchange of roles; squeeze, half of the channels factored
    out; two couplings of the others; a scale for each latent. `filters`: of every network. The base is a standard
    normal. Raises ValueError for a size that cannot be squeezed twice, or couplings < 0.
    """
    at = squeezable(shape, 2, "image_real_nvp")
    if not is_whole(couplings, 0):
        raise ValueError(f"image_real_nvp: couplings = {couplings!r}, expected an integer ≥ 0")
    first = Squeeze(at)
    second = Squeeze(first.squeezed)
    n, (C, H, W) = prod(first.shape), second.squeezed
    rest = (C // 2, H, W)
    from_x: list[Bijection] = [Logit(n), first]
    for m in range(couplings):
        passing = [4 * colour + part for colour in range(at[0]) for part in PAIRS[m // 2 % 3]]
        mask = channels(first.squeezed, passing=passing)
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
    """Return a MintNet for images x ∈ [0, 1], height and width multiples of 4 (2ᵏ for k + 1 `units`).

    From x to z: logit; then at full size, and after each of two squeezes, as many MintUnits as `units` says, with so
    many `filters`; a scale for each latent. The base is a standard normal. Source: Song, Meng & Ermon 2019, section 4.
    """
    if len(filters) != len(units) or not all(is_whole(count, 0) for count in units):
        raise ValueError(
            f"mint_net: filters = {filters}, units = {units}, expected as many whole numbers each: one for each size"
        )
    at, n = squeezable(shape, len(units) - 1, "mint_net"), prod(shape)
    from_x: list[Bijection] = [Logit(n)]
    for stage, (width, count) in enumerate(zip(filters, units, strict=True)):
        if stage:
            squeeze = Squeeze(at)
            from_x.append(squeeze)
            at = squeeze.squeezed
        from_x += [MintUnit(at, width, rng=rng) for _ in range(count)]
    return Flow(StandardNormal(n), [*from_x, Rescale(n)][::-1])


def squeezable(shape: Sequence[int], times: int, owner: str) -> tuple[int, int, int]:
    """Return an image's shape, or raise ValueError unless it can be squeezed so many times."""
    C, H, W = as_shape(shape, owner)
    factor = 2**times
    if H % factor or W % factor:
        padded = (C, -(-H // factor) * factor, -(-W // factor) * factor)
        raise ValueError(
            f"{owner}: shape = {(C, H, W)}, expected a height and a width that are multiples of {factor}, to be "
            f"squeezed {times} times; pad the images to {padded}, or crop them"
        )
    return C, H, W
