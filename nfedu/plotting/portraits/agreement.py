"""Two Jacobians of a layer beside each other: the one its `backward` multiplies by, and its map's, by differences."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.units import spread
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject
from nfedu.plotting.portraits.pushed import domain_of
from nfedu.plotting.portraits.regions import LETTERS, Everywhere, sure
from nfedu.plotting.style import subscript

POINTS = 8  # so many are looked at, one is shown
SHRINK = 3.7  # no power of 2, by which rounding errors would repeat themselves from step to step
STEPS = 0.1 / SHRINK ** np.arange(10)  # of central differences, in each coordinate's spread
CERTAIN = 1e-3  # of the largest derivative: what is less certain is not known
VISIBLE = 1e-6  # of an output's largest derivative: what lies below is not told from rounding


@dataclass(frozen=True)
class Agreement:
    """∂(out, log|det|)/∂in at one point, (n + 1, n), the last row log|det|, by `backward` and by differences.

    `tolerance`: differences up to this are rounding; infinite where the map has no derivative that could be measured.
    """

    direction: str
    inputs: Array  # the points on the input's side, (N, n)
    row: int  # which of them
    analytic: Array
    numerical: Array
    tolerance: Array

    @property
    def point(self) -> Array:
        """Where it is, (n,)."""
        return self.inputs[self.row]

    @property
    def difference(self) -> Array:
        """Analytic minus numerical, 0 where the latter is not known."""
        return np.where(np.isfinite(self.tolerance), self.analytic - self.numerical, 0.0)

    @property
    def beyond(self) -> Array:
        """Which entries differ by more than rounding."""
        return abs(self.difference) > self.tolerance

    @property
    def agrees(self) -> bool:
        """Whether no entry does."""
        return not self.beyond.any()

    @property
    def worst(self) -> tuple[int, int]:
        """The entry that differs most, of those beyond rounding if there are any."""
        size = abs(self.difference) * (self.agrees | self.beyond)
        i, j = np.unravel_index(np.argmax(size), size.shape)
        return int(i), int(j)

    @property
    def largest(self) -> float:
        """The absolute difference there."""
        return float(abs(self.difference[self.worst]))

    def __str__(self) -> str:
        inputs, outputs = LETTERS[self.direction]
        i, j = self.worst
        row = outputs + subscript(i) if i < len(self.point) else "log|det|"
        if not np.isfinite(self.tolerance).any():
            return "no entry could be measured"
        if self.agrees:
            return f"max |difference| = {self.largest:.1g}" + ", rounding" * (self.largest > 0)
        return f"max |difference| = {self.largest:.3g}, at ∂{row}/∂{inputs}{subscript(j)}"


def compare_jacobians(layer: Any, x: Array, direction: str = "z_to_x") -> Agreement:
    """Compare a layer's `backward` with its map at the first points of `x` (N, n), and return where they differ most.

    Each row moves on its own, so that layers whose rows mix may come too: of these one is looked at.
    Raises ValueError for a direction that is none, and checks.subject.guard.Trouble when the layer raises, hangs, or
    answers with something else than finite numbers.
    """
    if direction not in LETTERS:
        raise ValueError(f"compare_jacobians: direction = {direction!r}, expected one of {', '.join(LETTERS)}")
    subject = Subject(layer)
    domain_of(subject)  # first of all, that z_to_x works
    inputs = np.array(x, dtype=np.float64)
    if direction == "z_to_x":
        inputs = sure(subject, "x_to_z", inputs)[:, :-1]
    y = inputs[:POINTS]
    sure(subject, direction, y)
    rows = np.arange(len(y))[-1 if subject.mixes_rows else 0 :]
    analytic = by_backward(subject, direction, y, rows)
    numerical, unsure = by_differences(subject, direction, y, rows)
    size = np.maximum(abs(analytic), abs(numerical)).max(axis=2, keepdims=True)
    tolerance = VISIBLE * size + 10 * unsure
    found = [Agreement(direction, inputs, int(k), analytic[i], numerical[i], tolerance[i]) for i, k in enumerate(rows)]
    return max(found, key=lambda one: 0.0 if one.agrees else one.largest)


def by_backward(subject: Subject, direction: str, y: Array, rows: Array) -> Array:
    """Return what unit vectors at `rows` of a batch make of the layer's backward, (rows, n + 1, n)."""
    N, n = y.shape
    backward = subject.call(direction, y.copy())[2]
    J = np.zeros((len(rows), n + 1, n))
    for i in range(n + 1):
        g = np.zeros((N, n + 1))
        g[rows, i] = 1
        g_in, _ = subject.gradients(backward, g[:, :n], g[:, n])
        right = g_in.shape == y.shape and g_in.dtype.kind in "fiu"
        if not right or not np.isfinite(g_in[rows]).all():
            words = "NaN or infinity" if right else f"{g_in.dtype} of shape {g_in.shape}"
            words = f"backward returned {words}, expected {y.shape} finite numbers"
            raise Trouble(words, subject.place(direction, backward))
        J[:, i] = g_in[rows]
    return J


def by_differences(subject: Subject, direction: str, y: Array, rows: Array) -> tuple[Array, Array]:
    """Return central differences at `rows` of a batch, (rows, n + 1, n), and their error, infinite if not known."""
    n = y.shape[1]
    f = Everywhere(subject, direction, np.delete(y, rows, axis=0)[: len(y) if subject.mixes_rows else 0])
    moves = np.multiply.outer(STEPS, np.diag(spread(y)))  # (steps, n, n)
    ends = [y[rows][:, None, None, :] + sign * moves for sign in (1, -1)]
    apart = (ends[0] - ends[1]).sum(axis=3, keepdims=True)  # twice the step, as rounded
    above, below = (f(end.reshape(-1, n)).reshape(*end.shape[:3], n + 1) for end in ends)
    slopes = (above - below) / apart  # (rows, steps, n, n + 1)
    bends = 2 * (above + below - 2 * f(y[rows])[:, None, None, :]) / apart  # how the slopes of the two sides differ
    found, unsure = (a.swapaxes(1, 2) for a in most_certain(slopes, bends, apart))
    known = unsure <= CERTAIN * abs(found).max(axis=(1, 2), keepdims=True)
    return np.where(known, found, 0.0), np.where(known, unsure, np.inf)


def most_certain(slopes: Array, bends: Array, apart: Array) -> tuple[Array, Array]:
    """Return slopes at step 0, (rows, n, n + 1), from those at falling steps, (rows, steps, n, n + 1), and their error.

    Of the extrapolations that one is taken which is nearest to its neighbours, all that is no slope counted too: with
    large steps where the map is computed in float32, small ones near a kink. At a kink itself none is certain.
    """
    better = (SHRINK**2 * slopes[:, 1:] - slopes[:, :-1]) / (SHRINK**2 - 1)  # Richardson
    gap = abs(np.diff(better, axis=1))
    kink = abs(SHRINK * bends[:, 1:] - bends[:, :-1]) / (SHRINK - 1)  # what is left of a bend at step 0
    jitter = np.nan_to_num(abs(np.diff(slopes, axis=1)) * apart[:, 1:])
    noise = jitter[:, -3:].max(axis=(1, 2), keepdims=True) / apart[:, 2:-1]  # of each output: small steps show it
    unsure = np.nan_to_num(np.maximum(gap[:, 1:], gap[:, :-1]) + kink[:, 1:-1] + noise, nan=np.inf)
    best = unsure.argmin(axis=1)[:, None]
    found, unsure = (np.take_along_axis(a, best, axis=1)[:, 0] for a in (better[:, 1:-1], unsure))
    return np.where(np.isfinite(unsure), found, 0.0), unsure
