"""A report as a person reads it: failures first, then the rungs, then where it was looked."""

from __future__ import annotations

import math

from nfedu.checks.causes import CAUSES
from nfedu.checks.reports.check import RUNGS, Check


def headline(title: str, failed: int, checks: int, not_judged: int) -> str:
    """Return how many checks there are, of which so many failed; and how many could not be made."""
    if failed:
        return f"{title}: {failed} of {checks} checks FAIL"
    if not_judged:
        return f"{title}: {checks} checks pass, {not_judged} not judged"
    return f"{title}: all {checks} checks pass"


def failing(failed: list[Check], most: int = 6) -> list[str]:
    """Return a few lines for each of the first failures: what, by how much, for which cause, where to look."""
    lines: list[str] = []
    for c in failed[:most]:
        compared = f"  {c.error:.1e} > {c.tolerance:.1e}" if math.isfinite(c.error) else ""
        lines.append(f"  {c.rung} {RUNGS[c.rung]:<10}  {c.quantity}{compared}  FAIL")
        lines += [f"      {line}" for line in (f"{c.cause}: {c.words}", c.detail, direction_to(c.where)) if line]
    if len(failed) > most:
        rest = failed[most:]
        lines.append(f"  … and {len(rest)} more: {', '.join(dict.fromkeys(c.cause for c in rest))}")
    return lines


def counts(checks: list[Check], promises_nothing: bool) -> list[str]:
    """Return a line a rung: how many checks passed, and the one nearest to its tolerance."""
    lines = []
    for rung, name in RUNGS.items():
        passed = [c for c in checks if c.rung == rung and c.passed]
        if passed:
            worst = max(passed, key=lambda c: c.error / c.tolerance if c.tolerance else c.error)
            bound = f"{worst.error:.1e} ≤ {worst.tolerance:.1e}"
            lines.append(f"  {rung} {name:<10}  {len(passed):3d} checks pass; worst {worst.quantity}: {bound}")
        elif name == "structure" and promises_nothing:
            lines.append(f"  {rung} {name:<10}  none promised (see jacobian_pattern)")
    return lines


def every_pass(checks: list[Check]) -> list[str]:
    """Return a line for each check that passed."""
    passed = [c for c in checks if c.passed]
    width = max([len(c.quantity) for c in passed], default=0)
    return [
        f"  {c.rung} {RUNGS[c.rung]:<10}  {c.quantity:<{width}}  {c.error:8.1e} ≤ {c.tolerance:7.1e}" for c in passed
    ]


def surroundings(tried: list[str], not_judged: list[str], cause: str | None) -> list[str]:
    """Return where it was looked, what could not be judged, and what the cause means."""
    lines = [f"tried: {'; '.join(tried)}"] if tried else []
    lines += [f"not judged: {'; '.join(not_judged)}"] if not_judged else []
    if cause:
        lines.append(f"cause: {cause}, {CAUSES[cause].line}\n       more: python -m nfedu explain {cause}")
    return lines


def direction_to(where: str) -> str:
    """Return where to look: at the line where it happened, or from the line on where a function begins."""
    if ":" not in where or ", in " in where:
        return where and f"look at {where}"
    return f"look from {where.replace(', ', ' on, in ').replace(' and ', ' and from ')}"
