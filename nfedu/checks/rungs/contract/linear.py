"""Rung 1, backward is linear: to rounding, for factors and for its two parts."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward
from nfedu.checks.numerics.rounding import EXACT
from nfedu.checks.reports.check import worst_entry
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.errors import ratio
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Gradients, Subject

DIGITS = 1e-10  # of a result, that two ways to round may differ by
LINEAR = 1e-6  # far above rounding: what a clip or a threshold in backward changes is not small
FACTOR = 1024.0  # a power of two scales without rounding


def check_linear(
    report: Report,
    subject: Subject,
    direction: str,
    backward: Backward,
    given: tuple[Array, Array],
    once: Gradients,
    noise: Gradients,
) -> None:
    """Add: backward(c·g) = c·backward(g), and the parts from g_out and from g_log_det add up."""
    g_out, g_log_det = given

    def of(a: float, b: float) -> Gradients:
        return subject.gradients(backward, a * g_out, b * g_log_det)

    words = "backward is not linear in the gradients it is given: no clipping, no thresholds, no constant terms"
    try:
        scaled = [(of(c, c), c) for c in (FACTOR, 1 / FACTOR, -1.0)]
        left, right, none = of(1, 0), of(0, 1), of(0, 0)
    except Trouble as trouble:
        report.fail(
            1,
            f"backward of {direction}: linear",
            "backward-nonlinear",
            f"{trouble.words} for other g",
            where=trouble.where,
        )
        return
    error = 0.0
    detail = ""
    for pick in (lambda r: r[0], *(lambda r, k=k: r[1][k] for k in once[1])):
        size = abs(pick(left)) + abs(pick(right))
        least = LINEAR * (size + 1e-2 * size.max(axis=0, initial=0.0)) + pick(noise)
        pairs = [(pick(s) / c, pick(once)) for s, c in scaled] + [(pick(left) + pick(right), pick(once) + pick(none))]
        pairs.append((pick(none), np.zeros_like(pick(none))))
        for found, expected in pairs:
            off = ratio(found, expected, np.maximum(least, np.finfo(float).tiny))
            error, detail = max((error, detail), (off, worst_entry(found, expected)))
    where = subject.place(direction, backward)
    check_digits(report, subject, direction, of(1.1, 1.1), once, noise, where)
    report.add(1, f"backward of {direction}: linear", EXACT * error, EXACT, "backward-nonlinear", words, detail, where)


def check_digits(
    report: Report, subject: Subject, direction: str, scaled: Gradients, once: Gradients, noise: Gradients, where: str
) -> None:
    """Add: backward(1.1 g) = 1.1 backward(g) to sixteen digits, not to float32's seven."""
    error = 0.0
    for pick in (lambda r: r[0], *(lambda r, k=k: r[1][k] for k in once[1])):
        size = abs(pick(once)).max(axis=0, initial=0.0)
        tolerance = DIGITS * (abs(pick(once)) + size) + pick(noise)
        error = max(error, ratio(pick(scaled) / 1.1, pick(once), np.maximum(tolerance, np.finfo(float).tiny)))
    if error * DIGITS < LINEAR:  # what is worse is not linear at all
        words = "backward(1.1 g) is 1.1 backward(g) to a few digits only: float32 in backward"
        report.add(1, f"backward of {direction}: digits", EXACT * error, EXACT, "precision", words, where=where)
