"""Rung 1, repeated calls: a result depends on the input and θ, not on what was called before, and is its own."""

from __future__ import annotations

import copy

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Mapped
from nfedu.checks.numerics.rounding import EXACT
from nfedu.checks.reports.check import worst_entry
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.errors import near, ratio, repeated, writeable
from nfedu.checks.rungs.contract.randomness import randomness
from nfedu.checks.subject.contents import DIRECTIONS
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.subject import Subject


def check_repeats(
    report: Report, subject: Subject, direction: str, y: Array, x: Array, rng: np.random.Generator
) -> bool:
    """Add: the same call gives the same, whatever was called before, and results of two calls share no memory.

    `x` are points for the other direction. Return whether results may be compared from here on.
    """
    where = subject.place(direction)
    other = DIRECTIONS[direction == "z_to_x"]
    tolerance = repeated(subject.values(direction, y.copy()))
    g_out, g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))
    seeds = randomness(subject.layer)
    first = subject.call(direction, y.copy())
    drawn = randomness(subject.layer) != seeds
    kept = [np.array(first[0]), np.array(first[1])]
    g_kept = subject.gradients(first[2], g_out, g_log_det)
    second = subject.call(direction, y.copy())
    changed = subject.call(direction, y[::-1].copy())
    results = {
        "output": (first[0], second[0], changed[0], kept[0]),
        "log_det": (first[1], second[1], changed[1], kept[1]),
    }
    for name, (a, b, c, before) in results.items():
        shared = [d for d in (b, c) if np.shares_memory(a, d) and writeable(a) and writeable(d)]
        lost = not np.array_equal(a, before, equal_nan=True)
        held = [k for k, p in subject.parameters.items() if np.shares_memory(a, p.value) and writeable(a)]
        words = f"{name} is an array that the layer keeps and fills again: the next call changes what this one returned"
        words = f"{name} shares memory with {held[0]}.value: return a copy" if held else words
        if shared or lost or held:
            report.fail(1, f"{direction}: {name} is its own", "shared-memory", words, where=where)
        else:
            report.add(1, f"{direction}: {name} is its own", 0, 0)

    def compare(quantity: str, again: Mapped) -> bool:
        values = np.concatenate([again[0], np.asarray(again[1])[:, None]], axis=1)
        expected = np.concatenate([kept[0], kept[1][:, None]], axis=1)
        g_in, grads = subject.gradients(again[2], g_out, g_log_det)
        pairs = [(g_in, g_kept[0]), *((grads[k], g_kept[1][k]) for k in grads)]
        error = EXACT * max([ratio(values, expected, tolerance), *(near(a, b) for a, b in pairs)])
        detail = worst_entry(values, expected) if error and EXACT * ratio(values, expected, tolerance) == error else ""
        cause, words = ("random", "the same call gives something else each time: no randomness in a layer")
        if not (drawn or differs_between_copies(subject, direction, y)):
            cause = "stateful"
            words = (
                "the result depends on what was called before: the layer keeps nothing, a closure what backward needs"
            )
        return report.add(1, f"{direction}: {quantity}", error, EXACT, cause, words, detail, where)

    if not compare("same answer again", subject.call(direction, y.copy())):
        return False
    try:
        subject.call(direction, y[:1].copy())
        subject.call(other, x[:-1].copy())
        subject.call(other, x.copy())
    except Trouble:  # rung 2 and the probes will say so
        pass
    ok = compare("same answer after other calls", subject.call(direction, y.copy()))
    ok &= check_undoing(report, subject, direction, x, rng)
    if any(c.cause == "shared-memory" for c in report.failures):  # which backward would feel too
        return ok
    subject.call(direction, y[::-1].copy())
    late = subject.gradients(second[2], g_out, g_log_det)  # that call's backward, all these calls later
    error = EXACT * max([near(late[0], g_kept[0]), *(near(late[1][k], g_kept[1][k]) for k in late[1])])
    words = "backward changes when the layer is called again: what it needs must live in its closure, not in self"
    where = subject.place(direction, second[2])
    return (
        report.add(1, f"backward of {direction}: after other calls", error, EXACT, "stateful", words, where=where)
        and ok
    )


def check_undoing(report: Report, subject: Subject, direction: str, x: Array, rng: np.random.Generator) -> bool:
    """Add: what undoes a call gives the same right after that call and later: it computes, it does not look up."""
    other = DIRECTIONS[direction == "z_to_x"]
    try:
        y = np.array(subject.call(other, x.copy())[0])
        at_once = subject.values(direction, y.copy())
        subject.call(other, x[::-1].copy())
        later = subject.values(direction, y.copy())
        tolerance = repeated(at_once)
    except Trouble:  # rung 2 will say so
        return True
    words = f"another answer right after {other} than later: what {other} was given must not be kept"
    error, where = EXACT * ratio(later, at_once, tolerance), subject.place(direction)
    return report.add(1, f"{direction}: computes", error, EXACT, "stateful", words, worst_entry(later, at_once), where)


def check_fresh(report: Report, subject: Subject, fresh: Subject, x: Array) -> bool:
    """Add: with new values of its parameters, a layer that was called before answers as one that never was."""
    values = {name: p.value for name, p in subject.parameters.items()}
    ok = True
    try:
        with fresh.holding(values):
            for direction, y in (("x_to_z", x), ("z_to_x", subject.values("x_to_z", x.copy())[:, :-1])):
                now, anew = (s.values(direction, y.copy()) for s in (subject, fresh))
                error = EXACT * ratio(now, anew, repeated(anew))
                words = "when the parameters change, something of an earlier call remains: compute it in each call"
                where = subject.place(direction)
                ok &= report.add(
                    1, f"{direction}: new parameters", error, EXACT, "stateful", words, worst_entry(now, anew), where
                )
    except Trouble:  # which other checks will meet
        return True
    return ok


def differs_between_copies(subject: Subject, direction: str, y: Array) -> bool:
    """Return whether two copies of the layer, both as they are now, answer the same call differently."""
    try:
        a, b = (Subject(guarded(copy.deepcopy, subject.layer)).values(direction, y.copy()) for _ in "ab")
    except Trouble:  # it cannot be copied
        return False
    return not np.array_equal(a, b, equal_nan=True)
