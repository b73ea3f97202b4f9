"""Columns that have no density: a likelihood of them has no maximum, and training would go on for ever.

A column that is constant, or that others determine, lies on a surface of no volume. A real column with values that
come back lies, in part, on points. The first kind is refused, the second is named.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.tables.lattice import are_whole, step_of
from nfedu.tables.reading import Data
from nfedu.tables.table import Table

SHARE = 0.05  # of the rows with the same value: more, in a real column, is a point with a mass of its own
CLOSE = 0.05  # deviations that the others leave of a column: less may be rounding
SMALLEST, LARGEST = 1e-150, 1e150  # of numbers: their squares, and sums of them, have to be numbers, too
FEW = 100  # rows: of fewer, a flow learns hardly more than where it starts
LEAST = 10  # rows that can be split into three


def check_density(data: Data) -> None:
    """Raise ValueError for columns, or rows too few, that leave no density; all that is found, in one line."""
    if len(data.rows) < LEAST:
        count = len(data.rows)
        raise ValueError(f"{data.source} has {count} row{'s' * (count != 1)}; a density needs {LEAST} at least")
    constant = [name for i, name in enumerate(data.names) if (data.rows[:, i] == data.rows[0, i]).all()]
    if constant:
        raise ValueError(
            f"column{'s' * (len(constant) > 1)} {', '.join(constant)}: constant, which has no density; "
            f"leave out with --drop {' '.join(constant)}"
        )
    for i, name in enumerate(data.names):
        size = float(abs(data.rows[:, i]).max())
        if not SMALLEST < float(np.ptp(data.rows[:, i])) <= 2 * size < LARGEST:
            raise ValueError(
                f"column {name}: its numbers go up to {size:g}, and their squares are no numbers; rescale it"
            )
    for name, others in determined(data.rows, data.names):
        told = f"equal to {others[0]} up to scale and shift" if len(others) == 1 else f"a sum of {', '.join(others)}"
        raise ValueError(f"column {name}: {told}, so together they have no density; leave out with --drop {name}")


def determined(rows: Array, names: list[str], coarse: Array | None = None) -> list[tuple[str, list[str]]]:
    """Return the columns that are affine functions of those before them, to rounding, and of which ones.

    `coarse`, (n,): by how much numbers may be off, in the mean, as they were rounded; of a deviation, `CLOSE` at most.
    """
    centred = rows - rows.mean(axis=0)
    scale = centred.std(axis=0)
    unit = (centred - centred.mean(axis=0)) / scale
    rounding = np.finfo(float).eps * (1 + abs(rows).max(axis=0) / scale)
    found, kept = [], list[int]()
    for i, name in enumerate(names):
        if not kept:
            kept.append(i)
            continue
        weights = np.linalg.lstsq(unit[:, kept], unit[:, i], rcond=None)[0]
        left = (unit[:, i] - unit[:, kept] @ weights).std()
        tolerance = 16 * (rounding[i] + abs(weights) @ rounding[kept])
        if coarse is not None:
            tolerance += min((coarse / scale)[i] + abs(weights) @ (coarse / scale)[kept], CLOSE)
        if left > tolerance or len(rows) <= len(kept) + 1:
            kept.append(i)
        else:
            found.append((name, [names[k] for k, w in zip(kept, weights, strict=True) if abs(w) > 1e-6]))
    return found


def superfluous(data: Data, table: Table) -> dict[str, str]:
    """Return a line on each column that is better dropped, by its name: it numbers the rows, or follows from others."""
    lines = {}
    for i, name in enumerate(table.names):
        values = data.rows[:, i]
        if are_whole(values) and (np.diff(np.sort(values)) == 1).all():
            lines[name] = f"column {name}: numbers the rows, and says nothing of them; --drop {name}"
    steps = np.array([0 if c.digits is None else 0.1**c.digits for c in table.columns]) + table.steps
    for name, others in determined(data.rows, table.names, steps / 12**0.5):  # the deviation of a rounding
        told = f"follows from {', '.join(others)} but for rounding, to which samples will not keep"
        lines[name] = f"column {name}: {told}; --drop {name}"
    return lines


def warnings(data: Data, table: Table) -> list[str]:
    """Return a line on each column to drop, or real with values that come back, and what to do; or on rows that do."""
    dropped = superfluous(data, table)
    lines = list(dropped.values())
    for i, column in enumerate(table.columns):
        values = data.rows[:, i]
        if column.step is not None or column.name in dropped:
            continue
        distinct, counts = np.unique(values, return_counts=True)
        most, share = distinct[counts.argmax()], counts.max() / len(values)
        if are_whole(values):
            lines.append(f"column {column.name}: whole numbers taken for real have no density; --whole {column.name}")
        elif step_of(values) is not None:
            lines.append(
                f"column {column.name}: rounded to {step_of(values):.6g}, taken for real, has no density: the loss may "
                f"fall without end; without --real {column.name} it is dequantised"
            )
        elif share > SHARE and counts.max() > 2:
            lines.append(
                f"column {column.name}: {share:.0%} of the rows are {most:g}, a point of no density; model those rows "
                "apart, or do not trust its density"
            )
    copies = 1 - len(np.unique(data.rows, axis=0)) / len(data.rows)
    several = data.rows.shape[1] > 1  # of one column, values that come back may be rounded
    if several and not lines and copies > SHARE and None in [column.step for column in table.columns]:
        lines.append(
            f"{copies:.0%} of the rows are copies of others, so the test holds rows of the training; take them out, or "
            "do not trust the comparison"
        )
    if len(data.rows) < max(FEW, 10 * table.n):
        told = f"{len(data.rows)} rows are few for {table.n} column{'s' * (table.n > 1)}"
        lines.append(f"{told}: expect little beyond a Gaussian, and no sure verdict")
    return lines
