"""RealNVP's coupling for images: masks, and a convolutional network that looks at the pixels that pass."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import as_shape
from nfedu.bijections.coupling.affine import AffineCoupling
from nfedu.bijections.coupling.masks import as_mask, channels, checkerboard
from nfedu.networks.convolution import ConvNet

MASKS = {"checkerboard": checkerboard, "channels": channels}


class ImageCoupling(AffineCoupling):
    r"""An affine coupling of images (N14–N16) whose μ and α are 3×3 convolutions of the pixels that pass.

    The maps, log-dets and the bound on α are AffineCoupling's. `shape` = (channels, height, width), flattened to n.
    `mask`: "checkerboard" (even row + column pass), "channels" (the first half of the channels passes), or n booleans;
    exchanged with `flip`. `filters`, `blocks`, `activation` and `rng` make the network, see `networks.ConvNet`. Raises
    ValueError for a shape that is none, and for a mask that leaves nothing to transform or nothing to look at, as
    "channels" does with a single channel.
    Source: Dinh et al. 2016, section 3.4.
    """

    def __init__(
        self,
        shape: Sequence[int],
        filters: int = 32,
        blocks: int = 2,
        flip: bool = False,
        *,
        mask: Any = "checkerboard",
        activation: str = "tanh",
        bound: float | None = 1.0,
        rng: np.random.Generator,
    ) -> None:
        self.shape, self.filters, self.blocks = as_shape(shape, self), filters, blocks
        if isinstance(mask, str) and mask not in MASKS:
            raise ValueError(f"ImageCoupling: mask = {mask!r}, expected one of {sorted(MASKS)}, or booleans")
        n, words = math.prod(self.shape), mask if isinstance(mask, str) else None
        passes = as_mask(mask, n, self) if words is None else MASKS[words](self.shape, self)
        super().__init__(n, (), None, flip, mask=passes, activation=activation, bound=bound, rng=rng)
        self.mask = passes if words is None else words

    def conditioner(self, outputs: int, rng: np.random.Generator) -> ConvNet:
        """Return a new convolutional network."""
        passes, each = self.passes.reshape(self.shape), outputs // self.n_b
        return ConvNet(passes, each, self.filters, self.blocks, self.activation, rng=rng)
