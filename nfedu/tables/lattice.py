"""Numbers that are rounded: the step that all of a column's values are multiples of, from some value on."""

from __future__ import annotations

import math

import numpy as np

from nfedu.arrays import Array

TOLERANCE = 1e-4  # of a step: so far from a multiple of it a value may lie
HEAVY = 0.05  # of the rows with the same number: it has a mass of its own


def step_of(values: Array) -> float | None:
    """Return the greatest h with values = values_0 + h·integers, if these numbers come back; else None.

    They do where most of them are met more than once, or one in a share `HEAVY` of the rows; of ten rows and more also
    where few multiples of h are left out, as of 30 people's ages.
    """
    distinct, counts = np.unique(values, return_counts=True)
    often = len(distinct) <= 0.7 * len(values) or counts.max() > max(HEAVY * len(values), 2)
    if not often and len(values) < 10:
        return None
    step = spacing_of(distinct)
    often = often or (step is not None and np.ptp(distinct) <= 3 * len(values) * step)
    return step if often else None


def digits_of(values: Array) -> int | None:
    """Return after how many digits behind the point all numbers end, such as 2 for cents; None where they do not."""
    most = 12 - math.ceil(math.log10(max(float(abs(values).max()), 1e-300)))
    return next((digits for digits in range(min(most, 12)) if (np.round(values, digits) == values).all()), None)


def spacing_of(distinct: Array) -> float | None:
    """Return the greatest h with distinct = distinct_0 + h·integers, None if there is none.

    Euclid's algorithm on the distances of neighbours, in any units.
    """
    if len(distinct) < 2:
        return None
    gaps = np.diff(distinct)
    step = least = float(gaps.min())
    for _ in range(30):
        rest = abs(gaps - step * np.round(gaps / step))
        uneven = rest > TOLERANCE * step
        if not uneven.any():
            break
        step = float(rest[uneven].min())
        if step < least / 1000:
            return None
    step = float(distinct[-1] - distinct[0]) / round(float(distinct[-1] - distinct[0]) / step)  # the most of its digits
    places = (distinct - distinct[0]) / step
    return step if (abs(places - np.round(places)) < TOLERANCE).all() else None


def decimal(values: Array, step: float, origin: float) -> Array:
    """Return multiples of a step as decimals of as few digits as step and origin have: 0.4, not 0.3999999999999999."""
    rounding = 1e-12 * step + 2 * float(np.spacing(abs(origin)))  # that of the values is in the step
    for digits in range(max(0, 9 - math.floor(math.log10(step)))):  # a third has more, and keeps them
        if all(abs(h - round(h, digits)) <= rounding for h in (step, origin)):
            return np.round(values, digits)
    return values


def are_whole(values: Array) -> bool:
    """Return whether all values are integers."""
    return bool((values == np.round(values)).all())
