"""From data to a table's description: what the user says of columns, and what the numbers say of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.elementwise.histogram import POWER
from nfedu.tables.columns import MARGIN, Column
from nfedu.tables.lattice import HEAVY, TOLERANCE, are_whole, decimal, digits_of, step_of
from nfedu.tables.reading import Data
from nfedu.tables.table import Table

FEW = 10  # values that a column takes, at most: no others are expected
LEAST = 5  # rows with the least number, or the greatest, for a column to end there, unless it has these two alone
LEAST_MARGIN = 1e-12  # of an interval: 1 less that has digits still
FAR = 10.0  # times as far from the median as the middle 95 % of the values: so far a Gaussian has none


def describe(
    data: Data,
    *,
    positive: Sequence[str] = (),
    interval: Mapping[str, tuple[float, float]] | None = None,
    whole: Sequence[str] = (),
    real: Sequence[str] = (),
    rows: Array | None = None,
) -> Table:
    """Return the table: of each column what is said of it, by name; else what its numbers say.

    - `positive`: above 0; `interval`: from low to high, the ends with it, and high may be infinite; `whole`: integers,
      none below 0 where no row has one; they may be combined;
    - `real`: any number, to all digits, even where all rows are integers;
    - a column whose values are rounded, as most of them are met more than once and all are multiples of a step, is
      dequantised by that step, whatever its bounds;
    - if nothing is said of it and it has no more than ten values, the first and the last in some rows, it keeps to
      them; if its least value is 0 in many rows, it begins there. It is heavy-tailed where a value lies ten times as
      far from the median as the middle 95 %.

    What the file's format is, all its rows say: its rounding, and where whole numbers or few values begin and end.
    What is estimated, where tails begin, how near to its ends an interval is filled and where numbers jump from rare to
    frequent, `rows` do: those to learn from, all unless given.

    Raises ValueError for a name that is not there, and for an entry that is not in its column's support.
    """
    interval = dict(interval or {})
    for names in (positive, interval, whole, real):
        data.take(list(names))
    for name in {*positive, *interval, *whole} & set(real):
        raise ValueError(f"column {name}: said to be real, and something else; expected one of them")
    columns, given = [], data.rows if rows is None else rows
    for name, values, seen in zip(data.names, data.rows.T, given.T, strict=True):
        low, high = map(float, interval.get(name, (-np.inf, np.inf)))
        above = name in positive and low <= 0
        low = max(low, 0.0) if above else low
        if name in whole:
            column = whole_column(name, low, high, values, above)
        elif name in real:
            column = Column(name)
        elif name in positive or name in interval:
            column = bounded(name, low, high, values, seen, above)
        else:
            column = observed(name, values, seen)
        columns.append(column)
    Table(columns).check(data)
    return Table([with_jumps(column, seen) for column, seen in zip(columns, given.T, strict=True)])


def whole_column(name: str, low: float, high: float, values: Array, above: bool) -> Column:
    """Return a column of integers; none below 0 where none is, and from 1 on where it is above 0."""
    if above:
        low = 1.0
    elif np.isinf(low) and values.min() >= 0:
        low = 0.0
    return Column(name, float(np.ceil(low)), float(np.floor(high)), 1.0)


def bounded(name: str, low: float, high: float, values: Array, seen: Array, above: bool) -> Column:
    """Return a column with bounds that were said: real, or from the first of its steps within them to the last."""
    step = step_of(values)
    if step is None or np.isinf(low):
        reach = reach_of(seen, low) if np.isfinite(low) and np.isinf(high) and not above else 0.0
        return Column(name, low, high, margin=margin_of(seen, low, high), reach=reach, digits=digits_of(values))
    first = (low - values.min()) / step
    low = on_grid(np.ceil(first + TOLERANCE if above else first - TOLERANCE), low, values, step)
    if np.isfinite(high):
        high = on_grid(np.floor((high - values.min()) / step + TOLERANCE), high, values, step)
    return Column(name, low, high, step, low)


def on_grid(place: float, bound: float, values: Array, step: float) -> float:
    """Return the number so many steps from the least one; as it was given, if it is the bound or met in the rows."""
    least, most = float(values.min()), float(values.max())
    number = float(decimal(np.array(least + place * step), step, least))
    return next((given for given in (bound, least, most) if abs(given - number) <= TOLERANCE * step), number)


def margin_of(seen: Array, low: float, high: float) -> float:
    """Return what share of an interval the model is to reach beyond its ends: half of what the nearest row is off them.

    `MARGIN` where rows stand at the ends, or none is near: with more, rows would be drawn from where there are none.
    """
    nearest, most = min((seen - low).min(), (high - seen).min()) / 2, MARGIN * (high - low)
    return max(float(nearest / (high - low)), LEAST_MARGIN) if 0 < nearest < most < np.inf else MARGIN


def reach_of(seen: Array, low: float) -> float:
    """Return by how much the model is to reach beyond a bound that may be met: as `margin_of` for an interval."""
    nearest, most = float((seen - low).min()) / 2, MARGIN * float((seen - low).mean())
    return nearest if 0 < nearest < most else most


def observed(name: str, values: Array, seen: Array) -> Column:
    """Return what a column's numbers say of it: real, or rounded to a step; with heavy tails, by those seen, or not."""
    centre, scale = tails_of(seen)
    low, high, step = float(values.min()), float(values.max()), step_of(values)
    if step is None:
        return Column(name, centre=centre, scale=scale, digits=digits_of(values))
    step, origin = (float(round(step)), low % round(step)) if are_whole(values) else (step, low)  # odd ones stay odd
    ends = [int((values == end).sum()) for end in (low, high)]
    if (high - low) / step < FEW - 0.5 and (min(ends) >= LEAST or sum(ends) == len(values)):
        return Column(name, low, high, step, origin)
    if low == 0 and (values == 0).sum() > max(HEAVY * len(values), LEAST):
        return Column(name, low, step=step, origin=origin)
    return Column(name, step=step, origin=origin, centre=centre, scale=scale)


def with_jumps(column: Column, seen: Array) -> Column:
    """Return the column, with a histogram if neighbouring numbers are not met about equally often: see `jumps`.

    Without one where it is not bounded, and where its bounds are so far off that rows fill little of the last bin.
    """
    if column.step is None or np.isinf(column.low):
        return column
    places = np.round((seen - column.low) / column.step)
    last = np.round((column.high - column.low) / column.step)
    inner = jumps(places, last)
    if not len(inner):
        return column
    edges = np.array([-0.5, *inner, last + 0.5][: None if np.isfinite(last) else -1])
    rows, beyond = np.histogram(places, edges)[0], places[places > edges[-1]]
    if np.isfinite(last) and 20 * (np.quantile(places, 0.95) - edges[-2]) < edges[-1] - edges[-2]:
        return column
    masses, tail = rows + 0.5, None
    if np.isinf(last):
        masses = np.append(masses, len(beyond) + 0.5)
        tail = float((POWER - 1) * (beyond - edges[-1]).mean() if len(beyond) else 0.5) * column.step
    at = column.low + edges * column.step
    return replace(column, histogram=(tuple(at.tolist()), tuple(masses.tolist()), tail))


def jumps(places: Array, last: float) -> Array:
    """Return the borders, k + ½, between numbers of which one is met twice as often, and by four standard errors."""
    counts = {int(k): int(c) for k, c in zip(*np.unique(places, return_counts=True), strict=True)}
    borders = {k + side for k in counts for side in (-1, 0)} - {-1, last}
    pairs = {k: (counts.get(k, 0), counts.get(k + 1, 0)) for k in sorted(borders)}
    return np.array(
        [k + 0.5 for k, (a, b) in pairs.items() if max(a, b) > 2 * min(a, b) and abs(a - b) > 4 * (a + b) ** 0.5]
    )


def tails_of(values: Array) -> tuple[float, float | None]:
    """Return the median and half the range of the middle 50 %, if tails are heavy; else 0 and None.

    Such tails would make a deviation, and so a Gaussian to start at, a matter of a few rows.
    """
    least, low, centre, high, most = np.quantile(values, [0.025, 0.25, 0.5, 0.75, 0.975])
    if high > low and abs(values - centre).max() > FAR * max(centre - least, most - centre):
        return float(centre), float(high - low) / 2
    return 0.0, None
