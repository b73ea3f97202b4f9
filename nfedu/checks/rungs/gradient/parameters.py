"""Rung 5, parameters: the gradient that backward adds to each, against numerical derivatives along directions of θ."""

from __future__ import annotations

import time

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.gradient.entries import block_around, entry_by_entry, name_it
from nfedu.checks.rungs.gradient.halves import Halves, Numbers, wrong
from nfedu.checks.rungs.gradient.packed import Packed
from nfedu.checks.rungs.gradient.twice import added_twice
from nfedu.checks.subject.subject import Subject

ENTRIES = 400  # of a parameter whose gradient is wrong, looked at one by one
FEWEST, SECONDS = 36, 1.5  # but no fewer, and for no longer


def check_parameters(
    report: Report,
    subject: Subject,
    direction: str,
    y: Array,
    out_unit: Array,
    rng: np.random.Generator,
    at: str = "",
    slack: float = 1.0,
) -> bool:
    """Add, for every parameter: its gradient, from g_out alone and from g_log_det alone, along random directions.

    The derivative along a direction v of θ is taken of every output of every row; its sum with g is compared with
    v·grad. `out_unit` are the sizes of the outputs (n,). Directions that move all parameters at once come first; where
    that fails, or needs central differences, each parameter on its own; and of a wrong one the entries, one by one.
    `slack` widens the tolerance.
    """
    names = [name for name, p in subject.parameters.items() if p.value.size]
    if not names:
        return True
    halves = Halves(subject, direction, y, out_unit, rng, slack)
    if len(names) > 1:
        derivative = Packed(subject, names).derivative(direction, y, rng)
        numbers = halves.along_random(Packed(subject, names), derivative, rng)
        if derivative.method == "complex" and not wrong(numbers):
            return compare(report, f"{direction}: all parameters (complex){at}", numbers)
    ok = True
    for name in names:
        packed = Packed(subject, [name])
        derivative = packed.derivative(direction, y, rng)
        unknown = ~np.isfinite(derivative.along(derivative.values.scale)[1])
        if unknown.any():
            what = f"{np.count_nonzero(unknown)} of {unknown.size} derivatives of {direction} by {name}{at}"
            report.leave_out(f"{what}: kinks or lost digits")
        if unknown.all():
            if derivative.values.steps.any() and not at and report.ok:
                words = f"moves of {name} by 1e-9 and 1e-7 are answered in steps, as float32 makes them on the way"
                ok &= report.fail(5, f"{direction}: {name}", "precision", words, where=subject.place(direction))
            continue
        numbers = halves.along_random(packed, derivative, rng)
        if wrong(numbers):  # or the complex step is, along these directions
            derivative.cautious = True
            halves.find_blur()
            derivative.values.noise[:, -1] += halves.blur
            numbers = halves.along_random(packed, derivative, rng)
        failure = {}
        if wrong(numbers):
            ok = False
            start = time.process_time()
            entry = halves.wrong_entry(packed, derivative, rng)
            one = (time.process_time() - start) / max(1, packed.size.bit_length())  # seconds for a derivative
            most = int(np.clip(SECONDS / max(one, 1e-6), FEWEST, ENTRIES))
            block = block_around(entry, subject.parameters[name].value.shape, most)
            entries = entry_by_entry(halves, name, derivative, block, rng)
            cause, words, detail = name_it(entries, block, len(y))
            if cause == "factor" and added_twice(halves, name):
                cause, words = "grad-doubled", f"the same gradient is added twice to {name}.grad"
            failure = {"cause": cause, "words": words, "detail": detail, "where": halves.where}
        compare(report, f"{direction}: {name} ({derivative.method}){at}", numbers, **failure)
    return ok


def compare(report: Report, quantity: str, numbers: Numbers, **failure: str) -> bool:
    """Add the comparison."""
    found, expected, tolerance, size = numbers
    return report.compare(5, quantity, found, expected, tolerance, size, **failure)
