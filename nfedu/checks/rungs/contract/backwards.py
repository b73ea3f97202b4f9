"""Rung 1, backward: it may be called twice, and adds to each gradient every time."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward
from nfedu.checks.numerics.rounding import EXACT, gradient_noise
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.errors import near, writeable
from nfedu.checks.rungs.contract.linear import check_linear
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject


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


def accumulated(subject: Subject, backward: Backward, g_out: Array, g_log_det: Array) -> dict[str, Array]:
    """Return what two calls add to each parameter's grad."""
    for p in subject.parameters.values():
        p.grad = np.zeros_like(p.value)
    subject.call_backward(backward, g_out.copy(), g_log_det.copy())
    subject.call_backward(backward, g_out.copy(), g_log_det.copy())
    return {name: np.array(p.grad) for name, p in subject.parameters.items()}
