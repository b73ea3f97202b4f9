"""Normalization as flow layers: ActNorm learns a scale and a shift that data start, BatchNorm takes them from a batch.

Both see data through a *mode*, an attribute that `Flow.observe` and `fit` set and put back:

- "evaluation", the default: a fixed affine map, each row on its own;
- "training": BatchNorm's x→z uses the statistics of the batch it is given. They depend on every row, so `backward`
  differentiates through them. Its z→x undoes the statistics held, those of the last observation;
- "observing": what x→z is given is where the statistics to be held, and ActNorm's start, come from.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_dimension, is_whole
from nfedu.bijections.base import Bijection
from nfedu.parameters import Parameter

MODES = ("evaluation", "training", "observing")


class Normalization(Bijection):
    """What both share: a mode, and `channels` groups of neighbouring coordinates that share their statistics."""

    held: tuple[str, ...] = ()  # the attributes that come from data, apart from `started`

    def __init__(self, n: int, channels: int | None, started: bool = False) -> None:
        self.n, self.started = as_dimension(n, self), bool(started)
        self.channels = self.n if channels is None else channels
        if not is_whole(self.channels, 1) or self.n % self.channels:
            raise ValueError(
                f"{type(self).__name__}: channels = {channels} with n = {n}, expected a divisor of n, "
                "the first number of the shape (channels, height, width)"
            )
        self.pixels = self.n // self.channels
        self._mode = "evaluation"

    @property
    def mode(self) -> str:
        """One of MODES; a ValueError when it is set to something else."""
        return self._mode

    @mode.setter
    def mode(self, mode: str) -> None:
        if mode not in MODES:
            raise ValueError(f"{type(self).__name__}: mode = {mode!r}, expected one of {', '.join(MODES)}")
        self._mode = mode

    @property
    def needs_data(self) -> bool:
        """Whether an observation would change the layer."""
        return True

    def refuse_to_observe(self) -> None:
        """Raise ValueError in the mode "observing": data come from the x side."""
        if self.mode == "observing":
            raise ValueError(
                f"{type(self).__name__}: asked to observe on its way z→x, as inside Inverse; expected x→z, where the "
                "data come from: put the layer in without Inverse"
            )

    def by_channel(self, y: Array) -> Array:
        """Return (N, n) as (N, channels, pixels)."""
        return y.reshape(len(y), self.channels, self.pixels)

    def per_channel(self, value: Any, name: str, positive: bool = False) -> Array:
        """Return a number, or one for each channel, as a new array (channels,); ValueError for anything else."""
        given = np.asarray(value, float)
        if (
            given.shape not in ((), (self.channels,))
            or not np.isfinite(given).all()
            or (positive and (given <= 0).any())
        ):
            raise ValueError(
                f"{type(self).__name__}: {name} = {value}, expected {self.channels} finite numbers"
                f"{' > 0' if positive else ''}, or one for all channels"
            )
        return np.broadcast_to(given, self.channels).copy()

    def in_own_type(self, y: Array, parameter: Parameter) -> Array:
        """Return what is left of `y` once its offset is gone, in the type that the layer computes in."""
        return y if y.dtype.kind == "c" else y.astype(parameter.value.dtype, copy=False)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return zeros off the diagonal: with the statistics held, both are affine maps of each coordinate."""
        pattern = np.where(np.eye(self.n), np.nan, 0.0)
        return pattern, pattern


def statistics(x: Array) -> tuple[Array, Array]:
    """Return the mean and the variance of each channel of (N, channels, pixels), over rows and pixels."""
    mean = x.mean(axis=(0, 2))
    return mean, ((x - mean[:, None]) ** 2).mean(axis=(0, 2))


def observed(x: Array) -> tuple[Array, Array]:
    """Return the same in float64, to be held; the variance of a constant is 0, where rounding may make 1e-34 of it."""
    mean, variance = statistics(x.astype(np.float64))
    return mean, np.where(np.ptp(x, axis=(0, 2)) > 0, variance, 0.0)


def unit_of(variance: Array) -> Array:
    """Return the variances, 1 where a channel does not vary."""
    return np.where(variance > 0, variance, 1.0)


def normalizations(bijection: Bijection) -> list[Normalization]:
    """Return the normalization layers in a bijection, at whatever depth."""
    parts = bijection.parts() if isinstance(bijection, Bijection) else ()
    inner = [layer for part in parts for layer in normalizations(part)]
    return [bijection, *inner] if isinstance(bijection, Normalization) else inner


@contextmanager
def in_mode(mode: str, bijection: Bijection) -> Iterator[None]:
    """Set the mode of all normalization layers in a bijection; put their own back at the end."""
    layers = normalizations(bijection)
    kept = [layer.mode for layer in layers]
    try:
        for layer in layers:
            layer.mode = mode
        yield
    finally:
        for layer, own in zip(layers, kept, strict=True):
            layer.mode = own
