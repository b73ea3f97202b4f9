"""Reports: one line a check, failures first, readable as text or JSON, raised on demand."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.causes import CAUSES

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


@dataclass
class Report:
    """All checks made of one layer or flow. `print(report)` shows them; `report.raise_if_failed()` insists."""

    title: str
    checks: list[Check] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)  # where it was looked
    not_judged: list[str] = field(default_factory=list)  # what could not be, and why: never counted as passed
    promises_nothing: bool = False  # of its Jacobian

    def add(
        self,
        rung: int,
        quantity: str,
        error: float,
        tolerance: float,
        cause: str = "",
        words: str = "",
        detail: str = "",
        where: str = "",
    ) -> bool:
        """Record a check; what describes a failure is kept when it fails. Return whether it passed."""
        check = Check(rung, quantity, float(error), float(tolerance))
        if not check.passed:
            if cause not in CAUSES:
                raise ValueError(f"{quantity} fails for the cause {cause!r}, which is not in the table")
            check = Check(rung, quantity, check.error, check.tolerance, cause, where, detail, words)
            if check in self.checks:
                return False
        self.checks.append(check)
        return check.passed

    def take(self, other: Report) -> None:
        """Take over all that another report holds."""
        self.checks += other.checks
        self.tried += other.tried
        self.not_judged += other.not_judged
        self.promises_nothing |= other.promises_nothing

    def compare(
        self, rung: int, quantity: str, given: Array, expected: Array, tolerance: Array, size: Array, **failure: str
    ) -> bool:
        """Record the entry nearest to its tolerance, or farthest past it; both numbers are in units of its `size`."""
        if given.size == 0:
            return self.add(rung, quantity, 0, 0)
        difference = np.nan_to_num(abs(given - expected), nan=np.inf)
        tolerance = np.nan_to_num(np.broadcast_to(tolerance, given.shape), nan=0.0)  # not known to be any
        tolerance = np.maximum(tolerance, np.finfo(float).tiny)
        off = difference / tolerance
        plainest = np.where(off >= 0.5 * off.max(), difference, -1.0)  # of those that rounding could exchange
        k = np.unravel_index(np.argmax(plainest), given.shape)
        unit = np.broadcast_to(size, given.shape)[k] or 1.0
        failure.setdefault("detail", worst_entry(given, expected, plainest))
        return self.add(rung, quantity, difference[k] / unit, tolerance[k] / unit, **failure)

    def fail(self, rung: int, quantity: str, cause: str, words: str, detail: str = "", where: str = "") -> bool:
        """Record a check that failed without a number to compare; return False."""
        return self.add(rung, quantity, math.inf, 0, cause, words, detail, where)

    def leave_out(self, what: str) -> None:
        """Say, once, what could not be judged."""
        if what not in self.not_judged:
            self.not_judged.append(what)

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not self.failures

    @property
    def failures(self) -> list[Check]:
        """The checks that did not pass, the most telling first."""
        failed = [check for check in self.checks if not check.passed]
        return sorted(failed, key=lambda check: check.cause != self.cause) if failed else []

    @property
    def cause(self) -> str | None:
        """The code of the mistake that explains most: first in the table, and of gradients the commonest."""
        failed = [check for check in self.checks if not check.passed]
        if not failed:
            return None
        order = list(CAUSES)
        first = min((check.cause for check in failed), key=order.index)
        if CAUSES[first].group != "gradient":
            return first
        inputs = [check.cause for check in failed if ": input" in check.quantity]  # which sum up what is behind them
        votes = Counter(inputs or [check.cause for check in failed])
        return min(votes, key=lambda cause: (-votes[cause], order.index(cause)))

    def raise_if_failed(self) -> Report:
        """Raise CheckFailedError with the whole report unless all is well; return the report otherwise."""
        if not self.ok:
            raise CheckFailedError(str(self))
        return self

    def as_json(self) -> str:
        """Return the report as one JSON object: ok, cause, and every check."""
        checks = [check.as_dict() for check in (*self.failures, *(c for c in self.checks if c.passed))]
        return json.dumps({"ok": self.ok, "cause": self.cause, "checks": checks}, ensure_ascii=False, indent=1)

    def summary(self) -> str:
        """Return the failures, and one line a rung: how many checks passed, and the one nearest to its tolerance."""
        return "\n".join([self._headline(), *self._failures(), *self._counts(), *self._surroundings()])

    def full(self) -> str:
        """Return the failures and then every check that passed."""
        passed = [c for c in self.checks if c.passed]
        width = max([len(c.quantity) for c in passed], default=0)
        lines = [
            f"  {c.rung} {RUNGS[c.rung]:<10}  {c.quantity:<{width}}  {c.error:8.1e} ≤ {c.tolerance:7.1e}"
            for c in passed
        ]
        return "\n".join([self._headline(), *self._failures(), *lines, *self._surroundings()])

    __str__ = summary

    def _headline(self) -> str:
        if self.ok and self.not_judged:
            return f"{self.title}: {len(self.checks)} checks pass, {len(self.not_judged)} not judged"
        if self.ok:
            return f"{self.title}: all {len(self.checks)} checks pass"
        return f"{self.title}: {len(self.failures)} of {len(self.checks)} checks FAIL"

    def _failures(self, most: int = 6) -> list[str]:
        lines: list[str] = []
        for c in self.failures[:most]:
            compared = f"  {c.error:.1e} > {c.tolerance:.1e}" if math.isfinite(c.error) else ""
            lines.append(f"  {c.rung} {RUNGS[c.rung]:<10}  {c.quantity}{compared}  FAIL")
            lines += [f"      {line}" for line in (f"{c.cause}: {c.words}", c.detail, direction_to(c.where)) if line]
        if len(self.failures) > most:
            rest = self.failures[most:]
            lines.append(f"  … and {len(rest)} more: {', '.join(dict.fromkeys(c.cause for c in rest))}")
        return lines

    def _counts(self) -> list[str]:
        lines = []
        for rung, name in RUNGS.items():
            passed = [c for c in self.checks if c.rung == rung and c.passed]
            if passed:
                worst = max(passed, key=lambda c: c.error / c.tolerance if c.tolerance else c.error)
                bound = f"{worst.error:.1e} ≤ {worst.tolerance:.1e}"
                lines.append(f"  {rung} {name:<10}  {len(passed):3d} checks pass; worst {worst.quantity}: {bound}")
            elif name == "structure" and self.promises_nothing:
                lines.append(f"  {rung} {name:<10}  none promised (see jacobian_pattern)")
        return lines

    def _surroundings(self) -> list[str]:
        lines = [f"tried: {'; '.join(self.tried)}"] if self.tried else []
        lines += [f"not judged: {'; '.join(self.not_judged)}"] if self.not_judged else []
        if self.cause:
            line = CAUSES[self.cause].line
            lines.append(f"cause: {self.cause}, {line}\n       more: python -m nfedu explain {self.cause}")
        return lines


def direction_to(where: str) -> str:
    """Return where to look: at the line where it happened, or from the line on where a function begins."""
    if ":" not in where or ", in " in where:
        return where and f"look at {where}"
    return f"look from {where.replace(', ', ' on, in ').replace(' and ', ' and from ')}"


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
