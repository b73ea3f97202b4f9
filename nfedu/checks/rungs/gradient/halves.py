"""The two halves of backward, from g_out and from g_log_det, along directions of θ."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.matrices import BLUR, numerical_jacobians
from nfedu.checks.numerics.rounding import gradient_noise
from nfedu.checks.numerics.units import spread
from nfedu.checks.rungs.gradient.input import FLOOR, RELATIVE
from nfedu.checks.rungs.gradient.packed import Packed, signs
from nfedu.checks.subject.subject import Subject

PROJECTIONS = 3
Numbers = tuple[Array, Array, Array, Array]  # found, expected, tolerance, size


def wrong(numbers: Numbers) -> bool:
    """Return whether some found number is not what is expected."""
    found, expected, tolerance, _ = numbers
    return not bool((abs(found - expected) <= tolerance).all())


class Halves:
    """A call's backward, asked with (g_out, 0) and with (0, g_log_det): what it adds to each parameter's gradient."""

    def __init__(
        self, subject: Subject, direction: str, y: Array, out_unit: Array, rng: np.random.Generator, slack: float
    ) -> None:
        self.subject, self.direction, self.y, self.slack = subject, direction, y, slack
        self.backward = subject.call(direction, y.copy())[2]
        self.where = subject.place(direction, self.backward)
        g_out, g_log_det = rng.standard_normal(y.shape) / out_unit, rng.standard_normal(len(y))
        pairs = [(g_out, 0 * g_log_det), (0 * g_out, g_log_det)]
        self.weights = [np.concatenate([g, of_log_det[:, None]], axis=1) for g, of_log_det in pairs]
        self.given = [self.of(weight) for weight in self.weights]
        self.noise = [gradient_noise(subject, direction, y, *pair, rng)[1] for pair in pairs]
        self.blur = np.zeros(len(y))  # of the rows, found out before anything is accused

    def of(self, weight: Array) -> dict[str, Array]:
        """Return what backward adds to each gradient, for g_out and g_log_det side by side, (N, n + 1)."""
        return self.subject.gradients(self.backward, weight[:, :-1], weight[:, -1])[1]

    def find_blur(self) -> None:
        """Find out in which rows the map rounds so much that what is computed from its output has few digits."""
        if not (self.blur.any() or self.subject.mixes_rows):
            unit = np.broadcast_to(spread(self.y), self.y.shape)
            numerical = numerical_jacobians(self.subject, self.direction, self.y, unit, np.random.default_rng(0))
            blur = numerical.blur(self.subject.values(self.direction, self.y.copy())[:, :-1], unit)
            self.blur = np.minimum(blur.max(axis=1), 1.0)

    def differentiated(self, derivative: Derivative, v: Array) -> tuple[Array, Array]:
        """Return the derivative along `v`, (N, n + 1), and its uncertainty, that which the map's rounding makes too."""
        D, unsure = derivative.along(v)
        unsure = unsure + BLUR * self.blur[:, None] * abs(D)
        return D, np.where(BLUR * self.blur[:, None] < 1, unsure, np.inf)

    def along_random(self, packed: Packed, derivative: Derivative, rng: np.random.Generator) -> Numbers:
        """Return both halves along a few random directions."""
        draws = [derivative.values.scale * signs(packed.size, rng) for _ in range(PROJECTIONS)]
        columns = [self.along(packed, derivative, v) for v in draws]
        found, expected, tolerance, size = (np.stack(part, axis=1) for part in zip(*columns, strict=True))
        return found, expected, tolerance, size

    def along(self, packed: Packed, derivative: Derivative, v: Array) -> Numbers:
        """Return v·grad, Σ weight·D, how far they may differ and what size they are, for each half.

        Rows and outputs without a derivative are left out: backward is not asked about them either.
        """
        D, unsure = self.differentiated(derivative, v)
        known = np.isfinite(unsure)
        numbers = np.zeros((4, 2))
        for half, weight in enumerate(self.weights):
            given = packed.flat(self.given[half] if known.all() else self.of(np.where(known, weight, 0)))
            weight, doubt = np.where(known, weight, 0), np.where(known, unsure, 0)
            found, expected = float((v * given).sum()), float((weight * D).sum())
            size = float((abs(weight) * abs(D)).sum()) + float((abs(v) * abs(given)).sum())
            tolerance = RELATIVE * (abs(expected) + abs(found)) + FLOOR * (size + 1)
            tolerance += 3 * float((abs(weight) * doubt).sum()) + float((abs(v) * packed.flat(self.noise[half])).sum())
            numbers[:, half] = found, expected, self.slack * tolerance, size or 1.0
        return numbers[0], numbers[1], numbers[2], numbers[3]

    def wrong_entry(self, packed: Packed, derivative: Derivative, rng: np.random.Generator) -> int:
        """Return the index of an entry that is wrong, by halving: where a direction fails, one of its halves does."""
        low, high = 0, packed.size
        while high - low > 1:
            middle = (low + high) // 2
            v = np.zeros(packed.size)
            v[low:middle] = (derivative.values.scale * signs(packed.size, rng))[low:middle]
            low, high = (low, middle) if wrong(self.along(packed, derivative, v)) else (middle, high)
        return low
