"""A function around a point: how its values round there, and where they make steps or bend sharply."""

from __future__ import annotations

import copy
from itertools import pairwise

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.plain import CENTRAL_STEP, EPS, Function
from nfedu.checks.subject.guard import Trouble

STEPS = (CENTRAL_STEP / 1000, CENTRAL_STEP / 30, CENTRAL_STEP)  # in an input's scale: a large one may cross a kink
KINK = 1000.0  # times rounding: a bend that is no accident
CERTAIN = 1e-5  # central differences at two steps that differ by more say nothing


class Values:
    """The values of `f` around `at`: (N, m), of an array of at's shape, the points (N, n) or a parameter.

    `scale`, of at's shape or broadcast to it, is what a unit step is for each entry. `points` says that row i of the
    result depends on row i of `at` alone. Steps and kinks are looked for along one random direction, `tried`.
    """

    def __init__(self, f: Function, at: Array, scale: Array, rng: np.random.Generator, points: bool) -> None:
        self.f, self.at, self.scale = f, at, np.broadcast_to(scale, at.shape)
        self.points = points
        self.here = f(at)
        self.noise = self._noise(rng)
        self.tried = self.scale * rng.choice([-1.0, 1.0], at.shape) * rng.uniform(0.5, 1.5, at.shape)
        self.steps, self.kinks = self._has_steps(self.tried, rng), self._kinks(self.tried)

    def repeated(self, count: int) -> Values:
        """Return the same for so many copies of the points behind one another."""
        stack = copy.copy(self)
        stack.at, stack.scale, stack.here, stack.noise, stack.kinks = (
            np.tile(a, (count, 1)) for a in (self.at, self.scale, self.here, self.noise, self.kinks)
        )
        return stack

    def difference(self, v: Array, h: Array) -> tuple[Array, Array, Array]:
        """Return the central difference, the size of the two values that it subtracts, and the second difference."""
        above, below = self.f(self.at + h * v), self.f(self.at - h * v)
        return (above - below) / (2 * h), abs(above) + abs(below), abs((above - self.here) + (below - self.here))

    def _noise(self, rng: np.random.Generator) -> Array:
        """Return what rounding does to the values of f, from a move by an ulp or two, (N, m); at least an ulp of 1.

        Of 1 for the last, the log-det: a sum of logarithms near 0 has the rounding of what the logarithms are taken of.
        """
        noise = np.zeros(self.here.shape)
        noise[:, -1] = 4 * EPS
        ulps = 2 * EPS * np.where(self.at == 0, self.scale, abs(self.at))
        for _ in range(2):
            try:
                change = abs(self.f(self.at + ulps * rng.uniform(-1, 1, self.at.shape)) - self.here)
            except Trouble:  # at the edge of the domain
                continue
            noise = np.maximum(noise, np.where(np.isfinite(change), change, 0.0))
        return noise

    def _has_steps(self, v: Array, rng: np.random.Generator) -> Array:
        """Return for each output whether it answers small moves, in most rows, as a staircase does.

        So float32 does, or an iteration that stops early. It has no derivative. Where one direction makes suspicious,
        two more are tried.
        """
        moves, off = self._answers(v)
        for _ in range(2 if off.any() else 0):
            more = self._answers(v * rng.uniform(0.3, 1.5, v.shape))
            moves, off = moves | more[0], off | more[1]
        return np.asarray(off.sum(axis=0) > 0.5 * np.maximum(moves.sum(axis=0), 0.6 * len(off)))

    def _answers(self, v: Array) -> tuple[Array, Array]:
        """Return which entries move with `v`, and which of them do so in steps.

        A move by 1e-9 changes nothing, where one by 1e-6 does; or moves by 1e-7 go unequally there and back, and not
        because the function bends: that goes with h².
        """
        try:
            far, near = (self.f(self.at + h * v) - self.here for h in (1e-6, 1e-9))
            bent = [self.difference(v, np.array(h))[2] for h in (4e-7, 2e-7, 1e-7, 0.5e-7)]
        except Trouble:  # out of the domain
            nothing = np.zeros(self.here.shape, dtype=bool)
            return nothing, nothing
        rounding = np.maximum(EPS * abs(self.here), self.noise)  # whose steps everything has
        moves = abs(far) > np.maximum(1e-4 * abs(far).max(axis=0), KINK**2 * rounding)
        moves &= abs(far) < 1e-3 * (
            abs(self.here) + abs(self.here).mean(axis=0)
        )  # else 1e-6 of a unit is no small move
        flat = abs(near) < np.minimum(1e-4 * abs(far), KINK * rounding)
        seen = np.maximum(1e-3 * abs(far), KINK * rounding)
        uneven = np.any([(more > seen) & (more < 3 * less) for more, less in pairwise(bent)], axis=0)
        return moves, moves & (flat | uneven)

    def _kinks(self, v: Array) -> Array:
        """Return the entries with a kink right at the point: the second difference goes with h, not with h²."""
        h = np.array(STEPS[0])
        try:
            (slope, size, bent), (_, _, less) = self.difference(v, h), self.difference(v, h / 2)
        except Trouble:  # out of the domain
            return np.zeros(self.here.shape, dtype=bool)
        sure = KINK * np.maximum(self.noise, EPS * size) + CERTAIN * h * abs(slope)
        return np.asarray((abs(bent - 2 * less) < 0.1 * bent) & (bent > sure))
