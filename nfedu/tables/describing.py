"""From data to a table's description: what the user says of columns, and what the numbers say of the others."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from nfedu.arrays import Array
from nfedu.tables.columns import Column
from nfedu.tables.lattice import are_whole, step_of
from nfedu.tables.reading import Data
from nfedu.tables.table import Table

FEW = 10  # values that a column takes, at most: no others are expected


def describe(
    data: Data,
    *,
    positive: Sequence[str] = (),
    interval: Mapping[str, tuple[float, float]] | None = None,
    whole: Sequence[str] = (),
    real: Sequence[str] = (),
) -> Table:
    """Return the table: of each column what is said of it, by name; else what its numbers say.

    - `positive`: above 0; `interval`: from low to high, the ends with it; `whole`: integers, none below 0 where no row
      has one; they may be combined;
    - `real`: any number, even where all rows are integers;
    - of which nothing is said: a column whose values are rounded, as most of them are met more than once and all are
      multiples of a step, is dequantised by that step; if it has no more than ten values, it keeps to them. Any other
      is real.

    Raises ValueError for a name that is not there, and for an entry that is not in its column's support.
    """
    interval = dict(interval or {})
    for names in (positive, interval, whole, real):
        data.take(list(names))
    for name in {*positive, *interval, *whole} & set(real):
        raise ValueError(f"column {name}: said to be real, and something else; expected one of them")
    columns = []
    for i, name in enumerate(data.names):
        values = data.rows[:, i]
        low, high = interval.get(name, (-np.inf, np.inf))
        low = max(low, 0.0) if name in positive else low
        if name in whole:
            columns.append(whole_column(name, low, high, values, name in positive))
        elif name in positive or name in interval or name in real:
            columns.append(Column(name, float(low), float(high)))
        else:
            columns.append(observed(name, values))
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


def observed(name: str, values: Array) -> Column:
    """Return what a column's numbers say of it: real, or rounded to a step."""
    step = step_of(values)
    if step is None:
        return Column(name)
    low, high = float(values.min()), float(values.max())
    step, origin = (float(round(step)), low % round(step)) if are_whole(values) else (step, low)  # odd ones stay odd
    if (high - low) / step < FEW - 0.5:
        return Column(name, low, high, step, origin)
    return Column(name, step=step, origin=origin)


def noticed(table: Table, said: Sequence[str]) -> str | None:
    """Return a line on the columns of which nothing was `said` and that are not taken for real; None without any."""
    rounded = [column for column in table.columns if column.step is not None and column.name not in said]
    if not rounded:
        return None
    names = [f"--{'whole' if column.whole else 'real'} {column.name}" for column in rounded]
    return f"values repeat, so taken as {', '.join(map(str, rounded))}. To say something else: {names[0]} and the like"
