"""From data to a table's description: what the user says of columns, and what the numbers say of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nfedu.arrays import Array
from nfedu.tables.columns import MARGIN, Column
from nfedu.tables.lattice import are_whole, step_of
from nfedu.tables.reading import Data
from nfedu.tables.table import Table

FEW = 10  # values that a column takes, at most: no others are expected
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

    - `positive`: above 0; `interval`: from low to high, the ends with it; `whole`: integers, none below 0 where no row
      has one; they may be combined;
    - `real`: any number, even where all rows are integers;
    - of which nothing is said: a column whose values are rounded, as most of them are met more than once and all are
      multiples of a step, is dequantised by that step; if it has no more than ten values, it keeps to them. Any other
      is real. It is heavy-tailed where a value lies ten times as far from the median as the middle 95 % of them.

    What the file's format is, all its rows say: its rounding, and where whole numbers or few values begin and end.
    What is estimated, where tails begin and how near to its ends an interval is filled, `rows` do: those to learn from,
    all unless given.

    Raises ValueError for a name that is not there, and for an entry that is not in its column's support.
    """
    interval = dict(interval or {})
    for names in (positive, interval, whole, real):
        data.take(list(names))
    for name in {*positive, *interval, *whole} & set(real):
        raise ValueError(f"column {name}: said to be real, and something else; expected one of them")
    columns = []
    for i, name in enumerate(data.names):
        values, seen = data.rows[:, i], data.rows[:, i] if rows is None else rows[:, i]
        low, high = interval.get(name, (-np.inf, np.inf))
        low = max(low, 0.0) if name in positive else low
        if name in whole:
            columns.append(whole_column(name, low, high, values, name in positive))
        elif name in positive or name in interval or name in real:
            columns.append(Column(name, float(low), float(high), margin=margin_of(seen, low, high)))
        else:
            columns.append(observed(name, values, seen))
    table = Table(columns)
    table.check(data)
    return table


def whole_column(name: str, low: float, high: float, values: Array, positive: bool) -> Column:
    """Return a column of integers; none below 0 where none is, and from 1 on where it is positive, too."""
    if positive:
        low = max(low, 1.0)
    elif np.isinf(low) and values.min() >= 0:
        low = 0.0
    return Column(name, float(np.ceil(low)), float(np.floor(high)), 1.0)


def margin_of(seen: Array, low: float, high: float) -> float:
    """Return what share of an interval the model is to reach beyond its ends: half of what the nearest row is off them.

    `MARGIN` where rows stand at the ends, or none is near: with more, rows would be drawn from where there are none.
    """
    nearest, most = min((seen - low).min(), (high - seen).min()) / 2, MARGIN * (high - low)
    return max(float(nearest / (high - low)), LEAST_MARGIN) if 0 < nearest < most < np.inf else MARGIN


def observed(name: str, values: Array, seen: Array) -> Column:
    """Return what a column's numbers say of it: real, or rounded to a step; with heavy tails, by those seen, or not."""
    centre, scale = tails_of(seen)
    step = step_of(values)
    if step is None:
        return Column(name, centre=centre, scale=scale)
    low, high = float(values.min()), float(values.max())
    step, origin = (float(round(step)), low % round(step)) if are_whole(values) else (step, low)  # odd ones stay odd
    if (high - low) / step < FEW - 0.5:
        return Column(name, low, high, step, origin)
    return Column(name, step=step, origin=origin, centre=centre, scale=scale)


def tails_of(values: Array) -> tuple[float, float | None]:
    """Return the median and half the range of the middle 50 %, if tails are heavy; else 0 and None.

    Such tails would make a deviation, and so a Gaussian to start at, a matter of a few rows.
    """
    least, low, centre, high, most = np.quantile(values, [0.025, 0.25, 0.5, 0.75, 0.975])
    if high > low and abs(values - centre).max() > FAR * max(centre - least, most - centre):
        return float(centre), float(high - low) / 2
    return 0.0, None


def noticed(table: Table, data: Data, said: Sequence[str]) -> list[str]:
    """Return lines on the columns of which nothing was `said`: what they are taken for, and what one might say."""
    columns = [column for column in table.columns if column.name not in said]
    lines = []
    if rounded := [column for column in columns if column.step is not None]:
        flag = "whole" if rounded[0].whole else "real"
        told = f"values repeat, so taken as {', '.join(map(str, rounded))}"
        lines.append(f"{told}. To say something else: --{flag} {rounded[0].name} and the like")
    if heavy := [column.name for column in columns if column.scale is not None]:
        told = f"some values lie far out, so taken as heavy-tailed: {', '.join(heavy)}"
        lines.append(f"{told}. To say something else: --positive {heavy[0]}, --real {heavy[0]} and the like")
    if above := [column for column in columns if np.isinf(column.low) and may_be_positive(data, column.name)]:
        flag = "whole" if above[0].whole else "positive"
        told = f"all values are above 0, but samples may not be: {', '.join(column.name for column in above)}"
        lines.append(f"{told}. If none can be below: --{flag} {above[0].name} and the like")
    return lines


def may_be_positive(data: Data, name: str) -> bool:
    """Return whether a column has no value ≤ 0, though a Gaussian of its mean and deviation would have some."""
    values = data.take([name]).rows
    return bool(values.min() > 0 and values.mean() < 4 * values.std())
