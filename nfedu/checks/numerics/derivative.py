"""Derivatives with their uncertainty, as the rungs use them.

`Derivative` takes the complex step where that agrees with central differences, and otherwise these, at several steps:
their difference says how far they can be trusted, and where they disagree, as across a kink, that the number is to be
left out (B11).
"""

from __future__ import annotations

import copy

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.differences import central
from nfedu.checks.numerics.plain import Function, complex_step
from nfedu.checks.numerics.values import Values
from nfedu.checks.subject.guard import Trouble

FAMILIAR = 1e-3  # and where it was right elsewhere, it takes this much to doubt it
AGREE = 1e-8  # complex step and central differences are the same number when they agree to this, or to what is certain
STACKED = 1500  # rows of points that are differentiated at once


class Derivative:
    """Derivatives of `f` at `at` along any direction, each entry with its uncertainty: infinite where none is known.

    f takes an array of at's shape, the points (N, n) or a parameter, and returns (N, m). `scale`, of at's shape or
    broadcast to it, is what a unit step is for each entry. `method` says for each of the m outputs whether the complex
    step lets its derivative through; it is tried along one random direction. `points` says that row i of the result
    depends on row i of `at` alone.
    """

    def __init__(
        self,
        f: Function,
        at: Array,
        scale: Array,
        rng: np.random.Generator,
        points: bool = False,
        known: Array | None = None,
    ) -> None:
        self.values = Values(f, at, scale, rng, points)
        self.cautious = False  # whether to hold the complex step against central differences each time
        self.analytic, self.doubtful = self._analytic(self.values.tried, AGREE if known is None else FAMILIAR)
        if known is not None:
            self.analytic &= known
            self.doubtful |= ~known

    @property
    def method(self) -> str:
        """One word for all outputs: "complex", or "central" when some needed it."""
        return "complex" if self.analytic.all() else "central"

    def along(self, v: Array) -> tuple[Array, Array]:
        """Return the derivative along `v`, (N, m), and its uncertainty."""
        if not self.analytic.any():
            return central(self.values, v)
        try:
            found = np.array(self._complex(v))
        except Trouble:
            return central(self.values, v)
        uncertain = np.where(np.isfinite(found), 0.0, np.inf)
        doubtful = self.doubtful
        if self.cautious or doubtful.any():
            other, unsure = central(self.values, v)
            if self.cautious:
                doubtful = doubtful | (abs(found - other) > 3 * unsure + AGREE * abs(other))
                doubtful |= ~np.isfinite(unsure) & self.values.steps.any()  # it may be cut off with the other digits
            found, uncertain = np.where(doubtful, other, found), np.where(doubtful, unsure, uncertain)
        return np.where(np.isfinite(found), found, 0.0), uncertain

    def entry(self, index: tuple[int, ...]) -> tuple[Array, Array]:
        """Return the derivative along one entry of `at`."""
        v = np.zeros(self.values.at.shape)
        v[index] = 1
        return self.along(v)

    def jacobian(self) -> tuple[Array, Array]:
        """Return, for points `at` (N, n) in rows of their own, ∂f/∂at (N, m, n) and its uncertainty: many at once."""
        N, n = self.values.at.shape
        m = len(self.analytic)
        found, unsure = np.zeros((2, N, m, n))
        stack = copy.copy(self)
        width = max(1, min(n, STACKED // N))
        for start in range(0, n, width):
            columns = np.arange(start, min(start + width, n))
            v = np.zeros((len(columns), N, n))
            v[np.arange(len(columns)), :, columns] = 1
            stack.values = self.values.repeated(len(columns))
            stack.doubtful = np.tile(self.doubtful, (len(columns), 1))
            for whole, part in zip((found, unsure), stack.along(v.reshape(-1, n)), strict=True):
                whole[:, :, columns] = part.reshape(len(columns), N, m).transpose(1, 2, 0)
        return found, unsure

    def _complex(self, v: Array) -> Array:
        """Return the derivative by the complex step, which is small beside what it moves: 1e-70 for 1e-40."""
        at = self.values.at
        size = np.where(v == 0, np.inf, np.where(at == 0, 1.0, abs(at)))
        least = size.min(axis=1, keepdims=True) if self.values.points else size.min(initial=np.inf)
        least = np.where(np.isfinite(least), least, 1.0)
        shrink = 2.0 ** np.floor(np.log2(np.maximum(least, 1e-200)))  # a power of two: 0 and 1 come out as 0 and 1
        return complex_step(self.values.f, at, v * shrink) / shrink

    def _analytic(self, v: Array, agree: float) -> tuple[Array, Array]:
        """Return for which outputs the complex step is right, and all entries (N, m) in which it is not to be used.

        It is right where certain central differences do not contradict it in more than a few rows.
        """
        expected, uncertain = central(self.values, v)
        nowhere = np.zeros(expected.shape[1], dtype=bool), np.ones(expected.shape, dtype=bool)
        try:
            with np.errstate(all="ignore"):
                found = self._complex(v)
        except Trouble:  # code that was never meant for complex numbers
            return nowhere
        if found.shape != expected.shape:
            return nowhere
        certain = np.isfinite(uncertain)
        size = abs(expected) + uncertain
        least = 1e-6 * size.max(axis=0, where=certain, initial=0.0)  # what rounding leaves where terms cancel
        wrong = certain & ~(abs(found - expected) <= agree * np.maximum(size, least) + 10 * uncertain)
        bad = ~np.isfinite(found) & certain
        fits = (wrong | bad).sum(axis=0) <= 0.3 * np.maximum(certain.sum(axis=0), 1)
        analytic = fits & ~bad.all(axis=0) & ~self.values.steps
        return analytic, wrong | bad | self.values.kinks | ~analytic
