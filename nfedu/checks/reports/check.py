"""One comparison of a report: its error against its tolerance, and what is said when it fails."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array

RUNGS = {
    1: "contract",
    2: "round trip",
    3: "log-det",
    4: "structure",
    5: "gradient",
    6: "density",
}


class CheckFailedError(AssertionError):
    """A layer or flow does not hold what it promises; the message is the whole report."""


@dataclass(frozen=True)
class Check:
    """One comparison: its error against its tolerance; for a failure its cause, the place, and what it looks like."""

    rung: int
    quantity: str
    error: float
    tolerance: float
    cause: str = ""  # a code of `causes.CAUSES`
    where: str = ""  # the line to look at
    detail: str = ""  # the worst entry: where, got, expected
    words: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return bool(self.error <= self.tolerance)

    def as_dict(self) -> dict[str, object]:
        """Return what `--json` prints of it; numbers that are not finite are None."""
        numbers = {"error": self.error, "tolerance": self.tolerance}
        return {
            "rung": self.rung,
            "quantity": self.quantity,
            **{key: value if math.isfinite(value) else None for key, value in numbers.items()},
            "ok": self.passed,
            "cause": self.cause or None,
            "where": self.where or None,
            "words": "; ".join(part for part in (self.words, self.detail) if part) or None,
        }


def worst_entry(given: Array, expected: Array, error: Array | None = None) -> str:
    """Return where two arrays differ most (where `error` is largest, if given), both values, and their ratio."""
    difference = np.nan_to_num(abs(given - expected) if error is None else error, nan=np.inf)
    if difference.size == 0:
        return ""
    index = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    a, b = given[index], expected[index]
    ratio = f", ratio {a / b:.6g}" if b != 0 and np.isfinite(a / b) else ""
    place = f"worst at {list(index)}: " if index else ""
    return f"{place}got {a:.9g}, expected {b:.9g}{ratio}"
