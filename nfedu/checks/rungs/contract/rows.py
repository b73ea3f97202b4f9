"""Rung 1, rows: each row of a batch on its own, wherever it stands and however many there are."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.rounding import EXACT, rounding_of, tolerance_of
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

SIZES = (1, 2, 3, 8)  # of batches, beside the whole one


class Rows:
    """What a direction and its backward give for each row of a batch, (N, 2n + 1): output, log-det, gradient."""

    def __init__(self, subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> None:
        self.subject, self.direction, self.y = subject, direction, y
        self.g_out, self.g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))
        self.expected = self.of(y, np.arange(len(y)))
        noise = rounding_of(subject, y, lambda v: self.of(v, np.arange(len(y))), rng)
        size = np.maximum(abs(self.expected), np.median(abs(self.expected), axis=0))
        self.size = np.where(size > 0, size, 1.0)
        self.tolerance = EXACT * self.size + noise
        self.tolerance[:, : subject.n + 1] = np.maximum(
            self.tolerance[:, : subject.n + 1], tolerance_of(subject, direction, y, rng)
        )

    def of(self, y: Array, rows: Array) -> Array:
        """Return the results for a batch whose row i is handed the gradients of row rows[i]."""
        out, log_det, backward = self.subject.call(self.direction, y.copy())
        g_in = self.subject.gradients(backward, self.g_out[rows], self.g_log_det[rows])[0]
        if np.shape(out) != y.shape or np.shape(log_det) != (len(y),):
            words = f"returned shapes {np.shape(out)} and {np.shape(log_det)}, expected {y.shape} and {(len(y),)}"
            raise Trouble(words, self.subject.place(self.direction), "shape")
        return np.concatenate([out, np.asarray(log_det)[:, None], g_in], axis=1)

    def differ(self, found: Array, rows: Array) -> Array:
        """Return which of the rows, given as their numbers in the batch, came out differently."""
        off = abs(found - self.expected[rows]) > self.tolerance[rows]
        return np.asarray((off | ~np.isfinite(found)).any(axis=1))

    def part(self, found: Array, rows: Array) -> str:
        """Name what came out differently: the output, the log-det or backward's result."""
        off = np.asarray((~(abs(found - self.expected[rows]) <= self.tolerance[rows])).any(axis=0))
        n = self.subject.n
        return "output" if off[:n].any() else "log_det" if off[n] else "backward's result"


def check_rows(report: Report, subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> None:
    """Add, at a batch `y` (N, n): other rows changed, rows in another order, batches of other sizes."""
    where = subject.place(direction)
    quantity = f"{direction}: each row on its own"
    try:
        rows = Rows(subject, direction, y, rng)
    except Trouble as trouble:
        words = f"{trouble.words}, with {len(y)} rows"
        cause = "shape" if trouble.cause == "shape" else "row-position"
        report.fail(1, quantity, cause, words, where=trouble.where or where)
        return
    if not np.isfinite(rows.expected).all():
        words = f"{rows.part(np.zeros_like(rows.expected), np.arange(len(y)))} is not finite where the map is"
        report.fail(1, f"{direction}: finite, in {len(y)} rows", "nonfinite", words, where=where)
        return
    if subject.mixes_rows:  # as it says
        return
    every = np.arange(len(y))
    order = rng.permutation(len(y))
    try:
        odd = every % 2 == 1
        mixed = y.copy()
        mixed[odd] = y[1]
        found = rows.of(mixed, every)
        if rows.differ(found, every)[~odd].any():
            cause = "row-position" if follows_the_first(rows) else "rows-mixed"
            compare(report, quantity, rows, found[~odd], every[~odd], cause, where)
            return
        found = rows.of(y[order], order)
        if rows.differ(found, order).any():
            compare(report, quantity, rows, found, order, "row-position", where)
            return
    except Trouble as trouble:
        report.fail(1, quantity, trouble.cause, trouble.words, where=trouble.where or where)
        return
    for size in SIZES:
        quantity = f"{direction}: a batch of {size}"
        if size >= len(y):
            continue
        try:
            found = rows.of(y[:size], every[:size])
        except Trouble as trouble:
            words = f"{trouble.words}, with {size} row{'s' if size > 1 else ''}; with {len(y)} it works"
            cause = "shape" if trouble.cause == "shape" else "row-position"
            report.fail(1, quantity, cause, words, where=trouble.where or where)
            continue
        compare(report, quantity, rows, found, every[:size], "row-position", where)


def compare(report: Report, quantity: str, rows: Rows, found: Array, which: Array, cause: str, where: str) -> bool:
    """Add the comparison of some rows with what they were in the whole batch."""
    says = {
        "rows-mixed": "it depends on the other rows: a sum, mean or shift over the wrong axis",
        "row-position": "it depends on where the row stands or how many there are, not on the row alone",
    }
    words = f"a row's {rows.part(found, which)} is another in another batch: {says[cause]}"
    expected, tolerance, size = (a[which] for a in (rows.expected, rows.tolerance, rows.size))
    return report.compare(1, quantity, found, expected, tolerance, size, cause=cause, words=words, where=where)


def follows_the_first(rows: Rows) -> bool:
    """Return whether the other rows change with row 0 and with no other: its values are used for all."""
    y, every = rows.y, np.arange(len(rows.y))
    middle = len(y) // 2

    def changes_others(row: int) -> bool:
        other = y.copy()
        other[row] = y[row - 1]
        differ = rows.differ(rows.of(other, every), every)
        return bool(np.delete(differ, row).any())

    return changes_others(0) and not changes_others(len(y) - 1) and not changes_others(middle)
