"""A gradient that is off by one factor: a sign, a number, the number of rows."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import CLOSE, Diagnosis, close
from nfedu.checks.diagnosis.versions import Gradients


def of_factor(g: Gradients, where: Array, rows: int | None) -> Diagnosis | None:
    """Return the factor by which all entries in `where` are off, if it is one and the same."""
    there = where & (abs(g.expected) > g.tolerance)
    if np.count_nonzero(there) < 1 or (where & ~there & g.wrong).any():
        return None
    a, b = g.given[there], g.expected[there]
    weight = 1 / np.maximum(g.tolerance[there], CLOSE * abs(b).max())
    c = float((a * b * weight**2).sum() / (b * b * weight**2).sum())
    if abs(c - 1) < CLOSE or abs(c) < CLOSE or not g.scaled(c)[there].all():
        return None
    if close(c, -1):
        return Diagnosis("sign", "the sign is flipped")
    if rows is not None and rows > 2:
        for n, words in ((rows, "times"), (1 / rows, "divided by")):
            if close(c, n) or close(c, -n):
                what = "a sum over rows where a mean belongs" if n > 1 else "a mean over rows where the sum belongs"
                return Diagnosis("batch-factor", f"{words} N = {rows}: {what}")
    known = {2.0: "twice too large", 0.5: "half of what it should be", -2.0: "−2 times", -0.5: "−1/2 times"}
    name = next((words for value, words in known.items() if close(c, value)), f"off by the factor {c:.6g}")
    return Diagnosis("factor", name)
