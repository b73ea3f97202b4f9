"""What is said of columns before a fit: what their numbers were taken for, and what one might say instead."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.tables.columns import Column
from nfedu.tables.reading import Data, nameless
from nfedu.tables.table import Table


def noticed(table: Table, data: Data, said: Sequence[str]) -> list[str]:
    """Return lines on the columns of which nothing was `said`: what they are taken for, and what one might say."""
    columns = [column for column in table.columns if column.name not in said]
    lines = []
    if data.lines is not None and nameless(data.names):
        told = f"{data.source}, line {data.lines[0]}, is a row: no line names the columns"
        lines.append(f"{told}, which are {', '.join(data.names)}")
    if rounded := [column for column in columns if column.step is not None]:
        told = f"values repeat, so taken as {', '.join(map(str, rounded))}"
        lines.append(f"{told}. To say something else: {others_of(rounded[0])}")
    if heavy := [column.name for column in columns if column.scale is not None]:
        told = f"some values lie far out, so taken as heavy-tailed: {', '.join(heavy)}"
        lines.append(f"{told}. To say something else: --positive {heavy[0]}, --real {heavy[0]} and the like")
    if flags := not_below_0(columns, data):
        lines.append(f"no value is below 0, though samples may be; if none can: {flags}")
    return lines


def others_of(column: Column) -> str:
    """Return what else might be said of a rounded column."""
    bounds = f"--interval {column.name} LOW HIGH"
    if not column.whole:
        return f"{bounds}, --real {column.name}"
    return f"{bounds}, --whole {column.name} (from 0 on)" if np.isfinite(column.high) else bounds


def not_below_0(columns: Sequence[Column], data: Data) -> str:
    """Return what to say of those without a row below 0, though a Gaussian of their mean and deviation would have."""
    flags: dict[str, list[str]] = {"whole": [], "positive": []}
    ends = []
    for column in columns:
        values = data.take([column.name]).rows
        if np.isfinite(column.low) or values.min() < 0 or values.mean() >= 4 * values.std():
            continue
        if values.min() > 0 or column.whole:
            flags["whole" if column.whole else "positive"].append(column.name)
        else:
            ends.append(f"--interval {column.name} 0 {1 if values.max() <= 1 else 'inf'}")
    return " ".join([f"--{flag} {' '.join(names)}" for flag, names in flags.items() if names] + ends)
