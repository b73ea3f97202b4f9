"""Rung 4: the Jacobian's promised structure."""

from __future__ import annotations

import numpy as np

from nfedu.checks.diagnosis.structure import of_structure
from nfedu.checks.numerics.rounding import EXACT
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.legs import Leg
from nfedu.checks.subject.guard import guarded
from nfedu.checks.subject.subject import Subject

ZEROS, ONES = 0.0, 1e-12  # beside what rounding makes of the largest entry in a row


def check_structure(report: Report, subject: Subject, leg: Leg) -> None:
    """Add rung 4 for one direction: the entries of its Jacobians that the layer promises."""
    pattern_of = getattr(subject.layer, "jacobian_pattern", None)
    patterns = guarded(pattern_of) if callable(pattern_of) else None
    report.promises_nothing = patterns is None
    if patterns is None or leg.numerical.steps:
        return
    pattern = patterns[leg.direction == "x_to_z"]
    J, unsure = leg.numerical.J, np.where(np.isfinite(leg.numerical.unsure), leg.numerical.unsure, np.inf)
    worst = np.take_along_axis(J, abs(J - np.nan_to_num(pattern)).argmax(axis=0)[None], axis=0)[0]  # (n, n)
    where = subject.place(leg.direction)
    zero = pattern == 0
    fixed = ~np.isnan(pattern) & ~zero
    row_size = (abs(J) * leg.unit[:, None]).max(axis=2, keepdims=True) / leg.unit[:, None]
    for name, entries, bound in (("exact zeros", zero, ZEROS), ("fixed entries", fixed, ONES)):
        expected = np.where(entries, np.nan_to_num(pattern), np.nan)
        loose = bound + EXACT * row_size + np.where(unsure > 0, 3 * unsure + 1e-7 * row_size, 0.0)  # by differences
        words = of_structure(worst, expected, float(loose[:, entries].max(initial=0)))
        judged = np.isfinite(loose)[:, entries]
        off = np.where(judged, J[:, entries] - pattern[entries], 0.0)
        report.compare(
            4, f"{leg.direction}: {name}", off, 0 * off, np.where(judged, loose[:, entries], 1.0), np.ones(1),
            cause="mask", words=words, detail="", where=where,
        )  # fmt: skip
