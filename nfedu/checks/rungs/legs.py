"""A round trip in two legs, each with the numerical Jacobians on the way: what rungs 2 to 5 look at."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.matrices import Numerical, numerical_jacobians
from nfedu.checks.numerics.rounding import tolerance_of
from nfedu.checks.numerics.units import spread
from nfedu.checks.subject.contents import DIRECTIONS
from nfedu.checks.subject.subject import Subject


@dataclass(frozen=True)
class Leg:
    """One direction of a round trip: where from, where to, its log-det, and the numerical Jacobians on the way."""

    direction: str
    start: Array  # (N, n)
    end: Array
    log_det: Array  # (N,)
    unit: Array  # of each input, (N, n)
    numerical: Numerical
    rounding: Array  # of output and log-det, (N, n + 1)

    @property
    def blur(self) -> Array:
        """How far each input can move, in its unit, before any output moves by its own rounding, (N, n)."""
        return self.numerical.blur(self.end, self.unit)


def leg(
    subject: Subject, direction: str, y: Array, unit: Array, rng: np.random.Generator, judge: Subject | None = None
) -> Leg:
    """Go one way, and differentiate it; `judge` is the subject to differentiate, if another."""
    unit = np.broadcast_to(unit, y.shape)
    values = subject.values(direction, y.copy())
    rounding = tolerance_of(subject, direction, y, rng)
    return Leg(
        direction,
        y,
        values[:, :-1],
        values[:, -1],
        unit,
        numerical_jacobians(judge or subject, direction, y, unit, rng),
        rounding,
    )


def held_against_differences(subject: Subject, leg: Leg, rng: np.random.Generator) -> Leg:
    """Return the leg with its Jacobians taken anew, each entry by complex step and by central differences."""
    numerical = numerical_jacobians(subject, leg.direction, leg.start, leg.unit, rng, cautious=True)
    return replace(leg, numerical=numerical)


def there_and_back(
    subject: Subject, direction: str, y: Array, unit: Array, rng: np.random.Generator
) -> tuple[Leg, Leg]:
    """Return both legs of a round trip that starts at `y` (N, n), whose entries have the given units."""
    there = leg(subject, direction, y, unit, rng)
    subject.values(direction, y[::-1].copy())  # so that what a layer may keep of its last call is of no use
    reach = (abs(there.numerical.J) * there.unit[:, None]).max(axis=2)  # how far a unit of any input takes an output
    reach = np.minimum(reach, spread(there.end)) if len(y) > 1 else reach  # from where a map is steep, too far
    back = leg(subject, DIRECTIONS[direction == "z_to_x"], there.end, np.where(reach > 0, reach, 1.0), rng)
    return there, back
