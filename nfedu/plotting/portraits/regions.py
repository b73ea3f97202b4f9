"""A layer's map over whole regions, of which its domain may be a part; and which region shows what lies there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

LETTERS = {"z_to_x": ("z", "x"), "x_to_z": ("x", "z")}  # of a direction's input and output
CHUNK = 4096  # numbers a call
ALONE = 50  # where rows mix, so many drawn points stand beside each that is asked for
TAIL, BODY, REACH, MARGIN = 0.005, 0.25, 6.0, 0.1  # see Side.core and Side.box

LogDensity = Callable[[Array], Array]


def sure(subject: Subject, direction: str, y: Array) -> Array:
    """Return output and log-det at `y`, (N, n + 1), or raise Trouble unless all are finite numbers."""
    out = subject.values(direction, y.copy())
    right = out.dtype.kind in "fiu"
    if not right or not np.isfinite(out).all():
        words = "NaN or infinity" if right else f"{out.dtype}"
        raise Trouble(f"{direction} returned {words}, expected finite numbers", subject.place(direction))
    return np.asarray(out, dtype=np.float64)


@dataclass(frozen=True)
class Everywhere:
    """A direction of a layer at any points: (N, n) → (N, n + 1), NaN where the layer refuses a point (ValueError)."""

    subject: Subject
    direction: str
    company: Array  # (K, n): what each batch has besides, where rows mix; (0, n) where they do not

    def __call__(self, y: Array) -> Array:
        """Return output and log-det side by side."""
        found = np.full((len(y), self.subject.n + 1), np.nan)
        known = np.flatnonzero(np.isfinite(y).all(axis=1))
        size = max(1, len(self.company) // ALONE if len(self.company) else CHUNK // self.subject.n)
        for start in range(0, len(known), size):
            rows = known[start : start + size]
            found[rows] = self.some(y[rows])
        return found

    def some(self, y: Array) -> Array:
        """Return the same for a few points: all at once, or each half on its own where one of them is refused."""
        try:
            return self.subject.values(self.direction, np.concatenate([self.company, y]))[len(self.company) :]
        except Trouble as trouble:
            if not trouble.refused:
                raise
        if len(y) == 1:
            return np.full((1, self.subject.n + 1), np.nan)
        half = len(y) // 2
        return np.concatenate([self.some(y[:half]), self.some(y[half:])])


@dataclass(frozen=True)
class Side:
    """What is on one side of a layer: the letter of its points, draws, (M, n), NaN if outside, and their density."""

    letter: str
    draws: Array
    law: str  # what is known of it, in words
    log_density: LogDensity | None = None  # None where draws are all there is
    columns: tuple[int, ...] = (0, 1)  # the coordinates that a picture shows, in its order

    @property
    def n(self) -> int:
        """The dimension."""
        return self.draws.shape[1]

    @property
    def shown(self) -> Array:
        """The draws' coordinates that the picture shows, (M, 1) or (M, 2)."""
        return self.draws[:, self.columns[: self.n]]

    @property
    def core(self) -> tuple[Array, Array]:
        """The corners of a box around what is shown but its tails, cut shorter where the body is lost in them."""
        least, low, high, most = np.nanquantile(self.shown, [TAIL, BODY, 1 - BODY, 1 - TAIL], axis=0)
        reach = REACH * (high - low)
        return np.maximum(least, low - reach), np.minimum(most, high + reach)

    @property
    def box(self) -> tuple[Array, Array]:
        """The corners of the picture: around the core, and a square where the widths are much the same."""
        low, high = self.core
        centre, half = (low + high) / 2, (0.5 + MARGIN) * (high - low)
        size = np.maximum(1, abs(centre))
        half = np.where(half > 1e-9 * size, half, size / 2)  # all draws may lie in one place
        half = np.full(half.shape, half.max()) if half.max() < 1.5 * half.min() else half
        return centre - half, centre + half

    @property
    def share(self) -> float:
        """Which part of the draws lies in the box."""
        low, high = self.box
        return float(((self.shown >= low) & (self.shown <= high)).all(axis=1).mean())

    @property
    def labels(self) -> list[str]:
        """The names of these coordinates."""
        return [f"${self.letter}_{{{i + 1}}}$" if self.n > 1 else f"${self.letter}$" for i in self.columns[: self.n]]

    def log_prob(self, y: Array) -> Array:
        """Return the log-density, (N,), at points whose coordinates are all shown, in the picture's order."""
        assert self.log_density is not None
        return self.log_density(y[:, np.argsort(self.columns[: self.n])])
