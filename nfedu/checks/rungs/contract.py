"""Rung 1: what a call returns, and that it leaves no traces: in its inputs, θ, the layer, an earlier result.

Errors are relative to what rounding may do, times `EXACT`.
"""

from __future__ import annotations

import copy
import pickle
import random

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward, Mapped
from nfedu.checks.numerics.rounding import EXACT, gradient_noise
from nfedu.checks.reports.check import worst_entry
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.contents import DIRECTIONS, all_parameters, attributes
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.subject import Gradients, Subject

DIGITS = 1e-10  # of a result, that two ways to round may differ by
LINEAR = 1e-6  # far above rounding: what a clip or a threshold in backward changes is not small
FACTOR = 1024.0  # a power of two scales without rounding
SHAPES = "; a gradient is summed over rows, .sum(axis=0), and g_log_det, (N,), meets (N, n) as g_log_det[:, None]"


def check_registered(report: Report, layer: object, subject: Subject) -> None:
    """Add: `parameters()` returns every Parameter that the layer holds, in lists, dicts and nested objects too."""
    returned = {id(p) for p in subject.parameters.values()}
    forgotten = [path for path, p in all_parameters(layer) if id(p) not in returned and p.value.size]
    words = f"parameters() does not return {', '.join(forgotten[:4])}: it would not be learned"
    where = subject.place("parameters")
    report.add(1, "parameters", len(forgotten), 0, "unregistered", words, where=where)


def check_call(report: Report, subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> bool:
    """Add what one call at `y` (N, n) and its backward must do; return whether more questions make sense."""
    where = subject.place(direction)
    given, theta = y.copy(), Theta(subject)
    try:
        out, log_det, backward = subject.call(direction, given)
    except Trouble as trouble:
        return report.fail(1, f"{direction}: runs", trouble.cause, trouble.words, where=trouble.where)
    for name, array, like in (("output", out, y), ("log_det", log_det, y[:, 0])):
        if not check_array(report, f"{direction}: {name}", array, like, where):
            return False
    if not theta.check(report, direction, where):
        return False
    report.add(
        1, f"{direction}: input untouched", worst(given, y), 0, "input-modified",
        "the call changes the array that it is given: copy before changing it", worst_entry(given, y), where,
    )  # fmt: skip

    where = subject.place(direction, backward)
    g_out, g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))
    g_given = g_out.copy(), g_log_det.copy()
    homes = {name: np.zeros_like(p.value) for name, p in subject.parameters.items()}
    for name, p in subject.parameters.items():
        p.grad = homes[name]
    try:
        g_in = subject.call_backward(backward, *g_given)
    except Trouble as trouble:
        hint = SHAPES if "broadcast" in trouble.words else ""
        words = trouble.words + hint
        return report.fail(1, f"backward of {direction}: runs", trouble.cause, words, where=trouble.where or where)
    if not check_array(report, f"backward of {direction}: result", g_in, y, where):
        return False
    for name, p in subject.parameters.items():
        if p.grad is not homes[name]:
            words = f"{name}.grad is another array after backward: write {name}.grad += …, a flow holds a view of it"
            report.fail(1, f"backward of {direction}: {name}.grad", "grad-rebound", words, where=where)
            homes[name][...] = p.grad if np.shape(p.grad) == homes[name].shape else 0
            p.grad = homes[name]
        elif not check_array(report, f"backward of {direction}: {name}.grad", p.grad, p.value, where):
            return False
    untouched = [("g_out", g_given[0], g_out), ("g_log_det", g_given[1], g_log_det), ("the input", given, y)]
    for name, array, before in untouched:
        report.add(
            1, f"backward of {direction}: {name} untouched", worst(array, before), 0, "input-modified",
            f"backward changes {name}: copy before changing it", worst_entry(array, before), where,
        )  # fmt: skip
    return theta.check(report, f"backward of {direction}", where)


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


def check_backward(report: Report, subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> None:
    """Add: backward may be called twice, adds to grad each time, shares no memory, and is linear."""
    backward = subject.call(direction, y.copy())[2]
    where = subject.place(direction, backward)
    g_out, g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))
    once = subject.gradients(backward, g_out, g_log_det)
    noise = gradient_noise(subject, direction, y, g_out, g_log_det, rng)
    try:
        again = subject.gradients(backward, g_out, g_log_det)
        twice = accumulated(subject, backward, g_out, g_log_det)
    except Trouble as trouble:
        words = f"the same backward, called a second time, {trouble.words}: it may only read what its closure holds"
        report.fail(1, f"backward of {direction}: twice", "backward-once", words, where=trouble.where or where)
        return
    error = EXACT * max([near(again[0], once[0]), *(near(again[1][k], once[1][k]) for k in once[1])])
    words = "the same backward, called a second time, gives something else: it may only read what its closure holds"
    repeats = report.add(1, f"backward of {direction}: twice", error, EXACT, "backward-once", words, where=where)
    for name, g in once[1].items() if repeats else ():
        words = f"two calls leave {name}.grad as one does: assigned, not accumulated; use += on grad"
        cause = "grad-overwritten"
        size = abs(2 * g).max(initial=0.0)
        if near(twice[name], g) > 1:
            cause, words = "backward-once", f"two calls do not add twice as much to {name}.grad as one"
        report.compare(
            1, f"backward of {direction}: {name}.grad accumulates", twice[name], 2 * g, EXACT * size + 1e-9 * abs(g),
            np.asarray(size), cause=cause, words=words, where=where,
        )  # fmt: skip

    a, b = (subject.call_backward(backward, rng.standard_normal(y.shape), rng.standard_normal(len(y))) for _ in "ab")
    shared = np.shares_memory(a, b) and writeable(a) and writeable(b)
    held = [k for k, p in subject.parameters.items() if np.shares_memory(a, p.grad) or np.shares_memory(a, p.value)]
    words = f"the result shares memory with {held[0]}'s" if held else "two calls return the same array, filled again"
    if shared or held:
        report.fail(1, f"backward of {direction}: result is its own", "shared-memory", words, where=where)
    check_linear(report, subject, direction, backward, (g_out, g_log_det), once, noise)


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


class Theta:
    """The parameters' values before a call, to be compared with those after it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.before = {name: (p.value, np.array(p.value)) for name, p in subject.parameters.items()}

    def check(self, report: Report, quantity: str, where: str) -> bool:
        """Add whether θ is untouched; put it back if not."""
        changed = self.restore()
        words = f"the call changes {', '.join(changed)}: only an optimizer may"
        return report.add(1, f"{quantity}: θ untouched", len(changed), 0, "theta-modified", words, where=where)

    def restore(self) -> list[str]:
        """Put back the values that were changed, and return their names."""
        changed = [k for k, p in self.subject.parameters.items() if not self._same(p.value, *self.before[k])]
        for name in changed:
            home, value = self.before[name]
            home[...] = value
            self.subject.parameters[name].value = home
        return changed

    @staticmethod
    def _same(now: Array, home: Array, value: Array) -> bool:
        return now is home and np.array_equal(now, value, equal_nan=True)


def check_array(report: Report, quantity: str, array: Array, like: Array, where: str) -> bool:
    """Add: an array of this shape and dtype, all finite."""
    shape, dtype = np.shape(array), getattr(array, "dtype", type(array).__name__)
    right = isinstance(array, np.ndarray) and shape == like.shape and dtype == like.dtype
    words = f"got shape {shape}, {dtype}, expected {like.shape}, {like.dtype}"
    if not report.add(1, f"{quantity}: shape", 0 if right else np.inf, 0, "shape", words, where=where):
        return False
    wrong = np.argwhere(~np.isfinite(array))
    words = f"{array[tuple(wrong[0])]} at {wrong[0].tolist()}, where the input is finite" if len(wrong) else ""
    return report.add(1, f"{quantity}: finite", len(wrong), 0, "nonfinite", words, where=where)


def accumulated(subject: Subject, backward: Backward, g_out: Array, g_log_det: Array) -> dict[str, Array]:
    """Return what two calls add to each parameter's grad."""
    for p in subject.parameters.values():
        p.grad = np.zeros_like(p.value)
    subject.call_backward(backward, g_out.copy(), g_log_det.copy())
    subject.call_backward(backward, g_out.copy(), g_log_det.copy())
    return {name: np.array(p.grad) for name, p in subject.parameters.items()}


def randomness(layer: object) -> bytes:
    """Return the state of every random generator that a layer may draw from."""
    own = [repr(g.bit_generator.state) for g in generators(layer)]
    return pickle.dumps((np.random.get_state(), random.getstate(), own))  # noqa: NPY002 (a learner may use it)


def generators(thing: object, depth: int = 3) -> list[np.random.Generator]:
    """Return the generators that an object holds."""
    if isinstance(thing, np.random.Generator):
        return [thing]
    if depth == 0 or isinstance(thing, type | np.ndarray) or callable(thing):
        return []
    inner = thing if isinstance(thing, list | tuple) else attributes(thing).values()
    return [g for value in inner for g in generators(value, depth - 1)]


def differs_between_copies(subject: Subject, direction: str, y: Array) -> bool:
    """Return whether two copies of the layer, both as they are now, answer the same call differently."""
    try:
        a, b = (Subject(guarded(copy.deepcopy, subject.layer)).values(direction, y.copy()) for _ in "ab")
    except Trouble:  # it cannot be copied
        return False
    return not np.array_equal(a, b, equal_nan=True)


def repeated(values: Array) -> Array:
    """Return how far the same call may be from itself: far less than rounding may do to another way to compute."""
    return EXACT * np.maximum(abs(values), np.median(abs(values), axis=0))


def writeable(array: Array) -> bool:
    """Return whether somebody could write into an array."""
    return bool(np.asarray(array).flags.writeable)


def worst(given: Array, expected: Array) -> float:
    """Return max|given − expected|, infinite for NaN."""
    return float(np.nan_to_num(abs(given - expected), nan=np.inf).max(initial=0.0))


def ratio(given: Array, expected: Array, tolerance: Array) -> float:
    """Return the largest error over its tolerance, infinite for NaN."""
    off = np.nan_to_num(abs(given - expected), nan=np.inf)
    return float((off / np.maximum(tolerance, np.finfo(float).tiny)).max(initial=0.0))


def near(given: Array, expected: Array) -> float:
    """Return the largest error over a billionth of its column's size."""
    size = 1e-9 * (abs(expected) + 1e-3 * abs(expected).max(axis=0, initial=0.0))
    return ratio(given, expected, np.maximum(size, np.finfo(float).tiny)) if given.size else 0.0
