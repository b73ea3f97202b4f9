"""Where a gradient is wrong: in rows, in a region of the domain, in some entries."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import CLOSE, Diagnosis
from nfedu.checks.diagnosis.versions import Gradients

FEW = 3  # entries on either side, for a region to be one


def of_rows(g: Gradients) -> Diagnosis | None:
    """Return whether only the first row counts, or counts for all."""
    N = len(g.given)
    here = abs(g.given) > g.tolerance
    there = abs(g.expected) > g.tolerance
    if N < 3 or not g.wrong.any():
        return None
    if here[0].any() and not here[1:].any() and there[1:].any():
        return Diagnosis("row-position", "only the first row's gradient is taken: the sum over rows is missing")
    first = np.broadcast_to(g.expected[:1], g.given.shape)
    same = abs(g.given - first) <= g.tolerance + CLOSE * abs(first)
    if g.wrong[1:].any(axis=tuple(range(1, g.wrong.ndim))).mean() > 0.5 and same.all():
        return Diagnosis("row-position", "the first row's values are used for all rows")
    return None


def of_region(g: Gradients, wrong: Array) -> Diagnosis | None:
    """Return the part of the domain in which a map of single coordinates has a wrong derivative, if there is one."""
    if g.y is None:
        return None
    n = g.y.shape[1]
    off_diagonal = ~np.eye(n, dtype=bool)
    if n > 1 and (abs(g.expected[:, :-1]) > g.tolerance[:, :-1])[:, off_diagonal].any():
        return None
    bad = np.asarray(wrong.any(axis=1))  # (N, n): the input's coordinate itself
    return of_predicate(g.y, bad)


def of_predicate(y: Array, bad: Array) -> Diagnosis | None:
    """Return the simplest property of single coordinates that tells the bad ones from the others, if there is one."""
    if np.count_nonzero(bad) < FEW or np.count_nonzero(~bad) < FEW:
        return None
    for name, value in (("y", y), ("|y|", abs(y))):
        for side, sign in (("below", 1), ("above", -1)):
            inside, outside = (sign * value)[bad], (sign * value)[~bad]
            if inside.max() < outside.min():
                edge = sign * (inside.max() + outside.min()) / 2
                if name == "y" and abs(edge) < 0.3 * y.std():
                    return Diagnosis(
                        "region", f"wrong only where the coordinate is {'negative' if sign > 0 else 'positive'}"
                    )
                return Diagnosis(
                    "region", f"wrong only where {name.replace('y', 'the coordinate')} is {side} about {edge:.2g}"
                )
    return None


def columns_of(entries: Array, block: Sequence[Array] | None) -> str:
    """Name the entries that a mask picks out: one by one if few, else the columns they lie in; "" if it is all."""
    if entries.all() or not entries.any():
        return ""
    axes = [np.arange(length) for length in entries.shape] if block is None else block
    columns = axes[-1][entries.reshape(-1, entries.shape[-1]).any(axis=0)].tolist() if entries.ndim else []
    if entries.ndim > 1 and np.count_nonzero(entries) <= 3:
        places = ([int(axis[i]) for axis, i in zip(axes, index, strict=True)] for index in np.argwhere(entries))
        return ", ".join(map(str, places))
    return f"[…, {columns[0]}]" if entries.ndim > 1 and len(columns) == 1 else str(columns[:12])
