"""A column: its name, where its numbers lie, and the map that takes the whole line there."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections import Bijection, Chain, Exp, FixedAffine, Histogram, Logit, Sinh
from nfedu.tables.lattice import decimal

MARGIN = 1e-3  # of a real interval, at most: its ends are data, too


@dataclass(frozen=True)
class Column:
    """Numbers from `low` to `high`, real ones, or with a `step` those that are so far apart, from `origin` on.

    Real numbers above a bound lie strictly above it, unless the model reaches beyond it, by `reach`; an interval has
    its ends: the model reaches `margin` of its width beyond them. A sample from there becomes the end. So the density
    within integrates to 1 less the share of such samples: less than 1 % unless data stand at the ends themselves.
    Samples of real numbers are rounded to `digits` behind the point, if theirs are so many.

    A column with a step is *dequantised*: its number k stands for all reals within half a step. So k's probability is
    the integral of the density over that cell, and the density reported is this over `step`: for whole numbers, whose
    step is 1, the probability itself.

    With a `scale` it is *heavy-tailed*: seen by the arcsinh of its distance from `centre` in scales, which is the
    distance itself near by, and its logarithm far out. Where some numbers hold many more rows than those beside them,
    it has a `histogram`, the arguments of such a layer, which is flat between jumps.
    """

    name: str
    low: float = -np.inf
    high: float = np.inf
    step: float | None = None
    origin: float = 0.0
    centre: float = 0.0
    scale: float | None = None
    margin: float = MARGIN
    reach: float = 0.0
    digits: int | None = None
    histogram: tuple[tuple[float, ...], tuple[float, ...], float | None] | None = None

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
        half = self.reach if self.step is None else self.step / 2
        if self.histogram is not None:
            return Histogram(1, *self.histogram)
        if np.isfinite(self.high):
            low, width = self.low - half, self.high - self.low + 2 * half
            return Chain([Logit(1, 0.0 if self.step else self.margin), FixedAffine([low], [width])])
        if np.isfinite(self.low):
            return Exp(1) if self.low == half else Chain([Exp(1), FixedAffine([self.low - half], [1.0])])
        return None if self.scale is None else Chain([Sinh(1), FixedAffine([self.centre], [self.scale])])

    def holds(self, values: Array) -> Array:
        """Return which values may occur: within the bounds, and integers where the column is whole."""
        inside = (values >= self.low) & (values <= self.high)
        if self.open:
            inside = inside & (values > self.low)
        return inside & (values == np.round(values)) if self.whole else inside

    def nearest(self, values: Array) -> Array:
        """Return the column's own numbers that reals of the model stand for: rounded, and not beyond the bounds."""
        if self.step is not None:
            places = np.round((values - self.origin) / self.step)
            values = decimal(self.origin + places * self.step, self.step, self.origin)
        elif self.digits is not None:
            values = np.round(values, self.digits)
        return np.clip(values + 0.0, self.least, self.high)  # no −0

    @property
    def open(self) -> bool:
        """Whether it is bounded below by a number that it cannot be."""
        return self.step is None and np.isfinite(self.low) and np.isinf(self.high) and not self.reach

    @property
    def least(self) -> float:
        """The least number that may occur."""
        if not self.open:
            return self.low
        if self.digits is None:
            return float(np.nextafter(self.low, np.inf))
        return (math.floor(self.low * 10**self.digits) + 1) / 10**self.digits

    def __str__(self) -> str:
        bounds = f"[{self.low:g}, {self.high:g}]" if np.isfinite(self.high) else f"from {self.low:g} on"
        bounds = f"above {self.low:g}" if self.open else bounds
        kind = "real" if self.step is None else "whole" if self.whole else f"in steps of {self.step:.6g}"
        tails = "" if self.scale is None else ", heavy-tailed"
        return f"{self.name} {kind}" + (tails if np.isinf(self.low) else f" {bounds}")
