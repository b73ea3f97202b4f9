"""All that was found of one layer or flow, and the cause that explains most."""

from __future__ import annotations

import json
import math
from collections import Counter
from dataclasses import dataclass, field

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.causes import CAUSES
from nfedu.checks.reports.check import Check, CheckFailedError, worst_entry
from nfedu.checks.reports.text import counts, every_pass, failing, headline, surroundings


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
        return self._between(counts(self.checks, self.promises_nothing))

    def full(self) -> str:
        """Return the failures and then every check that passed."""
        return self._between(every_pass(self.checks))

    __str__ = summary

    def _between(self, passed: list[str]) -> str:
        """Return the text of a report around what it says of the checks that passed."""
        head = headline(self.title, len(self.failures), len(self.checks), len(self.not_judged))
        rest = surroundings(self.tried, self.not_judged, self.cause)
        return "\n".join([head, *failing(self.failures), *passed, *rest])
