"""Reports: one line a check, readable as a table, raised on demand."""

from __future__ import annotations

from dataclasses import dataclass, field

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
    """One comparison: its error against its tolerance, and for a failure where and what it looks like."""

    rung: int
    quantity: str
    error: float
    tolerance: float
    detail: str = ""
    diagnosis: str = ""

    @property
    def passed(self) -> bool:
        """Whether the error is within the tolerance; NaN is not."""
        return bool(self.error <= self.tolerance)


@dataclass
class Report:
    """All checks made of one layer or flow. `print(report)` shows them; `report.raise_if_failed()` insists."""

    title: str
    checks: list[Check] = field(default_factory=list)

    def add(
        self, rung: int, quantity: str, error: float, tolerance: float, detail: str = "", diagnosis: str = ""
    ) -> bool:
        """Record a check; detail and diagnosis are kept when it fails. Return whether it passed."""
        check = Check(rung, quantity, float(error), float(tolerance))
        if not check.passed:
            check = Check(rung, quantity, float(error), float(tolerance), detail, diagnosis)
        self.checks.append(check)
        return check.passed

    def compare(
        self, rung: int, quantity: str, given: Array, expected: Array, tolerance: float, diagnosis: str = ""
    ) -> bool:
        """Record max|given − expected| over the largest |expected| (or 1, if that is 0), and the worst entry."""
        return self.add(
            rung, quantity, relative_error(given, expected), tolerance, worst_entry(given, expected), diagnosis
        )

    @property
    def ok(self) -> bool:
        """Whether every check passed."""
        return not self.failures

    @property
    def failures(self) -> list[Check]:
        """The checks that did not pass."""
        return [check for check in self.checks if not check.passed]

    def raise_if_failed(self) -> Report:
        """Raise CheckFailedError with the whole report unless all is well; return the report otherwise."""
        if not self.ok:
            raise CheckFailedError(str(self))
        return self

    def summary(self) -> str:
        """Return the report with one line a rung: how many checks, and the one nearest to its tolerance."""
        lines = [self._headline()]
        for rung, name in RUNGS.items():
            checks = [c for c in self.checks if c.rung == rung]
            if checks:
                worst = max(checks, key=lambda c: (not c.passed, c.error / c.tolerance if c.tolerance else c.error))
                verdict = "ok" if all(c.passed for c in checks) else "FAIL"
                bound = f"{worst.error:.1e} ≤ {worst.tolerance:.1e}"
                lines.append(
                    f"  {rung} {name:<10}  {len(checks):3d} checks, {verdict}; worst {worst.quantity}: {bound}"
                )
        return "\n".join(lines)

    def _headline(self) -> str:
        count = (
            f"all {len(self.checks)} checks pass"
            if self.ok
            else f"{len(self.failures)} of {len(self.checks)} checks FAIL"
        )
        return f"{self.title}: {count}"

    def __str__(self) -> str:
        width = max([len(c.quantity) for c in self.checks], default=0)
        lines = [self._headline()]
        for c in self.checks:
            lines.append(
                f"  {c.rung} {RUNGS[c.rung]:<10}  {c.quantity:<{width}}  {c.error:8.1e} ≤ {c.tolerance:7.1e}  "
                f"{'ok' if c.passed else 'FAIL'}"
            )
            lines += [f"      {line}" for line in (c.detail, c.diagnosis and f"→ {c.diagnosis}") if line]
        return "\n".join(lines)


def relative_error(given: Array, expected: Array, least: float = 0.0) -> float:
    """Return max|given − expected| over max|expected| or `least`, or the numerator alone when both are 0."""
    scale = max(least, abs(expected).max(initial=0.0))
    return float(abs(given - expected).max(initial=0.0) / (scale if scale > 0 else 1.0))


def worst_entry(given: Array, expected: Array) -> str:
    """Return where two arrays differ most, both values, and their ratio."""
    difference = np.nan_to_num(abs(given - expected), nan=np.inf)
    if difference.size == 0:
        return ""
    index = tuple(int(i) for i in np.unravel_index(np.argmax(difference), difference.shape))
    a, b = given[index], expected[index]
    ratio = f", ratio {a / b:.6g}" if b != 0 else ""
    return f"worst at {list(index)}: got {a:.9g}, expected {b:.9g}{ratio}"
