"""Rung 1, one call: what it and its backward return, and that they leave alone what they are given."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.reports.check import worst_entry
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.errors import worst
from nfedu.checks.rungs.contract.theta import Theta
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

SHAPES = "; a gradient is summed over rows, .sum(axis=0), and g_log_det, (N,), meets (N, n) as g_log_det[:, None]"


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
