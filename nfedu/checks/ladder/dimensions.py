"""A class of layers, judged in the dimension asked for, and looked at with other seeds and in other dimensions."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.ladder.bijection import BUDGET, examine
from nfedu.checks.ladder.examination import LATE
from nfedu.checks.reports.check import Check
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble, guarded

OTHERS = (1, 2, 4, 5, 6)
FEW = 5  # points in other dimensions
PATIENCE = 0.4  # of the first look's seconds, for all other seeds and dimensions
LOOK = 0.14  # of them, for one of these, beside its base points


def check_class(
    build: Callable[..., Any],
    data: Callable[[Any], Array],
    *,
    n: int | None = None,
    others: tuple[int, ...] = OTHERS,
    seeds: int = 2,
    rng: np.random.Generator | None = None,
    seconds: float = BUDGET,
) -> Report:
    """Judge what `build(n)` returns at the points `data(layer)`, then what it makes of other seeds and n; one report.

    `build(n, shift)` returns a new layer, of its own n when that is None, with another seed for each shift; it raises
    ValueError for an n that the layer refuses. Nothing else may use the layers. `seeds` is how many others to try, 0
    where the constructor draws nothing. What has not begun after `seconds` of the processor, and some more for other n,
    is left out, and the report says so.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    layer = build(n)
    try:
        x = data(build(n))  # of another one: making data is a call
    except Trouble as trouble:
        if not trouble.hung:
            raise
        report = Report(f"{type(layer).__name__}, n = {layer.n}")
        report.fail(1, "images of latents", trouble.cause, trouble.words, where=trouble.where)
        return report
    report = Report(f"{type(layer).__name__}, n = {layer.n}, {len(x)} points")
    deadline = time.process_time() + seconds * (1 + PATIENCE)
    examine(report, layer, x, rng, seconds)

    def draw_again(shift: int) -> None:
        if time.process_time() > deadline:
            report.leave_out(f"parameters drawn again: {LATE}")
            return
        part = Report("")
        try:
            again = build(n, shift)
            x = data(again)
        except (Trouble, ValueError) as problem:
            report.leave_out(f"parameters drawn again: {problem}")
            return
        examine(part, again, x, rng, LOOK * seconds)
        take_over(report, part, "parameters drawn again: {}", lambda check: check.cause, "with other parameters")

    for shift in range(1, seeds + 1):
        if report.ok:
            draw_again(shift)
    if report.ok and others:
        own = [k for k in others if k != layer.n]
        elsewhere = look_elsewhere(build, layer.n, own, lambda layer: data(layer)[:FEW], rng, deadline, LOOK * seconds)
        if elsewhere.failures and seeds:  # a permutation of three may be its own inverse
            for shift in range(seeds + 1, 4 * seeds + 1):
                if report.ok:
                    draw_again(shift)
        if report.ok:
            report.take(elsewhere)
    return report


def look_elsewhere(
    build: Callable[..., Any],
    own: int,
    others: list[int],
    data: Callable[[Any], Array],
    rng: np.random.Generator,
    deadline: float,
    seconds: float,
) -> Report:
    """Judge the layer in other dimensions, where it takes them; what is wrong there has the cause "dimension"."""
    report = Report("")
    fine, refused = [], []
    for n in others:
        if time.process_time() > deadline:
            report.leave_out(f"n = {n}: {LATE}")
            continue
        try:
            layer = guarded(build, n)
        except Trouble as trouble:
            if trouble.refused or n == 1:
                refused.append(n)
            else:
                report.fail(1, f"n = {n}: the constructor", "dimension", trouble.words, where=trouble.where)
            continue
        if layer.n != n:
            continue
        part = Report("")
        try:
            x = data(layer)
        except (Trouble, ValueError) as problem:
            report.leave_out(f"n = {n}: {problem}")
            continue
        examine(part, layer, x, rng, seconds)
        fine += [n] if part.ok else []
        take_over(report, part, f"n = {n}: {{}}", lambda check: "dimension", f"right for n = {own}, wrong for n = {n}")
    report.tried += [f"n = {', '.join(map(str, fine))} too"] if fine else []
    report.tried += [f"n = {', '.join(map(str, refused))} refused by the layer"] if refused else []
    return report


def take_over(report: Report, part: Report, quantity: str, cause: Callable[[Check], str], note: str) -> None:
    """Add the checks of another look: those that passed, and the first two failures, with a note of where that was."""
    report.checks += [check for check in part.checks if check.passed]
    for c in part.failures[:2]:
        where = quantity.format(c.quantity)
        report.add(c.rung, where, c.error, c.tolerance, cause(c), f"{note}: {c.words}", c.detail, c.where)
