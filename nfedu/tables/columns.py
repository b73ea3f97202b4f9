"""A column: its name, where its numbers lie, and the map that takes the whole line there."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections import Bijection, Chain, Exp, FixedAffine, Logit, Sinh
from nfedu.tables.lattice import decimal

MARGIN = 1e-3  # of a real interval, at most: its ends are data, too


@dataclass(frozen=True)
class Column:
    """Numbers from `low` to `high`, real ones, or with a `step` those that are so far apart, from `origin` on.

    Real numbers above a bound lie strictly above it; an interval has its ends: the model reaches `margin` of its width
    beyond them, and a sample from there becomes the end. So the density within integrates to 1 less the share of such
    samples: less than 1 % unless data stand at the ends themselves. A column with a step is *dequantised*:
    its number k stands for all reals within half a step. So k's probability is the integral of the density over
    that cell, and the density reported is this over `step`: for whole numbers, whose step is 1, the probability itself.

    With a `scale` it is *heavy-tailed*: seen by the arcsinh of its distance from `centre` in scales, which is the
    distance itself near by, and its logarithm far out.
    """

    name: str
    low: float = -np.inf
    high: float = np.inf
    step: float | None = None
    origin: float = 0.0
    centre: float = 0.0
    scale: float | None = None
    margin: float = MARGIN

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise ValueError(f"column {self.name}: an interval from {self.low:g} to {self.high:g}, expected low < high")
        if np.isinf(self.low) and np.isfinite(self.high):
            raise ValueError(f"column {self.name}: bounded above only; give both ends, or turn its sign")

    @property
    def whole(self) -> bool:
        """Whether its numbers are integers."""
        return self.step == 1 and self.origin == round(self.origin)

    def support(self) -> Bijection | None:
        """Return the map from the line onto where the column, dequantised, lies; None where that is the identity."""
        half = 0.0 if self.step is None else self.step / 2
        if np.isfinite(self.high):
            low, width = self.low - half, self.high - self.low + 2 * half
            return Chain([Logit(1, 0.0 if half else self.margin), FixedAffine([low], [width])])
        if np.isfinite(self.low):
            return Exp(1) if self.low == half else Chain([Exp(1), FixedAffine([self.low - half], [1.0])])
        return None if self.scale is None else Chain([Sinh(1), FixedAffine([self.centre], [self.scale])])

    def holds(self, values: Array) -> Array:
        """Return which values may occur: within the bounds, and integers where the column is whole."""
        inside = (values >= self.low) & (values <= self.high)
        if self.step is None and np.isinf(self.high):
            inside = inside & (values > self.low)
        return inside & (values == np.round(values)) if self.whole else inside

    def nearest(self, values: Array) -> Array:
        """Return the column's own numbers that reals of the model stand for: rounded, and not beyond the bounds."""
        if self.step is None:
            least = np.nextafter(self.low, np.inf) if np.isinf(self.high) else self.low
            return np.clip(values, least, self.high)
        places = np.round((values - self.origin) / self.step)
        return np.clip(decimal(self.origin + places * self.step, self.step, self.origin), self.low, self.high)

    def __str__(self) -> str:
        bounds = f"[{self.low:g}, {self.high:g}]" if np.isfinite(self.high) else f"above {self.low:g}"
        if self.whole:
            bounds = bounds if np.isfinite(self.high) else f"from {self.low:g} on"
        kind = "real" if self.step is None else "whole" if self.whole else f"in steps of {self.step:.6g}"
        tails = "" if self.scale is None else ", heavy-tailed"
        return f"{self.name} {kind}" + (tails if np.isinf(self.low) else f" {bounds}")
