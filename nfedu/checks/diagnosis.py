"""What a wrong number usually means: the pattern of an error, as a cause of the table and as words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from nfedu.arrays import Array

CLOSE = 1e-6  # two coefficients are the same
DIGITS = 1e-5  # an error below this, relative to the result, loses digits; it is no other formula
SINGLE = (1.5e-8, 4e-7)  # the largest error of a few numbers in float32
NEARLY = 0.15  # an error below this, everywhere, is an approximation
UNDOES = 0.05  # a round trip that misses by less nearly comes back
FEW = 3  # entries on either side, for a region to be one


class Diagnosis(NamedTuple):
    """A code of the table, and words."""

    cause: str
    words: str


@dataclass(frozen=True)
class Gradients:
    """Two versions of the derivatives of a batch's outputs and log-dets by some entries, (N, n + 1, entries…).

    `given` is what backward believes, from unit vectors, `expected` what the map has, each entry up to `tolerance`;
    the last output is log_det. `y` are the input's rows (N, n), where the entries are the input itself; `block` are the
    indices of the entries along each axis of their parameter, where they are not all of it.
    """

    given: Array
    expected: Array
    tolerance: Array
    y: Array | None = None
    block: Sequence[Array] | None = None

    @property
    def wrong(self) -> Array:
        """Which entries are off."""
        return ~(abs(self.given - self.expected) <= self.tolerance)

    def scaled(self, factor: Array | float) -> Array:
        """Return where given = factor · expected."""
        return abs(self.given - factor * self.expected) <= 10 * self.tolerance + CLOSE * abs(self.expected)


def of_gradient(g: Gradients, rows: int | None = None) -> Diagnosis:
    """Name the mistake in a gradient; `rows` is the number of rows that the loss was summed over."""
    wrong = g.wrong
    if not np.isfinite(g.given).all():
        return Diagnosis("nonfinite", "not finite: a division by zero or an overflow in backward")
    there, given = abs(g.expected) > g.tolerance, abs(g.given) > g.tolerance
    by_entry = np.asarray(wrong.any(axis=(0, 1)))  # which entries are wrong, for some row and output
    places = columns_of(by_entry, g.block)
    effect = np.asarray(there.any(axis=(0, 1)))
    if not effect[by_entry].any() and g.y is None:
        what = "the parameter" if by_entry.all() else f"the parameter's entries {places}"
        return Diagnosis("no-effect", f"a gradient where {what} changes nothing: a mask, or a value taken once")
    if not given.any():
        return Diagnosis("path-missing", "zero everywhere: this way is missing in backward, or never written to grad")
    relative = relative_error(g)
    if relative < DIGITS:
        words = f"right to {-np.log10(relative):.0f} digits"
        if is_single(g.given):
            return Diagnosis("precision", f"{words}: float32")
        return Diagnosis("inexact", f"{words}, not to rounding: a series or an iteration in backward is cut short")
    region = of_region(g, wrong)
    if region is not None:
        return region
    position = of_rows(g)
    if position is not None:
        return position
    out_wrong, log_det_wrong = wrong[:, :-1].any(), wrong[:, -1].any()
    log_det_there = there[:, -1][:, by_entry].any() if by_entry.ndim else there[:, -1].any()
    whole = of_factor(g, np.ones_like(wrong), rows)
    if log_det_wrong and not out_wrong:
        part = of_factor(g, wrong | there & last_output(wrong), None)
        return Diagnosis(
            "gradient-logdet-term", f"what comes from g_log_det {describe(g, wrong, part)}, the rest is right"
        )
    if out_wrong and not log_det_wrong and log_det_there:
        part = of_factor(g, ~last_output(wrong), None)
        return Diagnosis("output-term", f"what comes from g_out {describe(g, wrong, part)}, the rest is right")
    if whole is not None:
        return whole
    for found in (of_transpose(g), of_two_uses(g), of_permutation(g)):
        if found is not None:
            return found
    if not given[wrong].any():
        where = f" in entries {places}" if places else ""
        return Diagnosis(
            "path-missing", f"missing{where}, the others are right: a way through the network or one input"
        )
    part = of_factor(g, wrong, rows)
    if part is not None:
        return Diagnosis(part.cause, f"{part.words}{f' in entries {places}' if places else ''}; the others are right")
    if out_wrong and log_det_wrong and not given[:, -1][wrong[:, -1]].any():
        return Diagnosis(
            "path-missing", "all of g_log_det's part and some of g_out's: the way through the scale is missing"
        )
    if relative < NEARLY and wrong[there].mean() > 0.5:
        return Diagnosis(
            "inexact", f"close, not exact (to {relative:.0%}): a series or an iteration in backward is cut short"
        )
    where = f" in entries {places}" if places else ""
    if not log_det_wrong:
        return Diagnosis("output-term", f"what comes from g_out is wrong{where}, in no simple pattern")
    return Diagnosis(
        "wrong-term", f"{np.count_nonzero(wrong)} of {wrong.size} derivatives are wrong{where}, in no simple pattern"
    )


def describe(g: Gradients, wrong: Array, part: Diagnosis | None) -> str:
    """Say what one of the two halves is: missing, off by a factor, or wrong."""
    if not (abs(g.given) > g.tolerance)[wrong].any():
        return "is missing"
    if part is not None:
        return {"sign": "has the wrong sign"}.get(part.cause, f"is {part.words}")
    factor = of_factor(g, wrong, None)
    if factor is not None:
        return f"has, where it is wrong, {factor.words}"
    return "is wrong"


def last_output(array: Array) -> Array:
    """Return a mask (N, n + 1, …) of the last output, log_det."""
    mask = np.zeros(array.shape, dtype=bool)
    mask[:, -1] = True
    return mask


def relative_error(g: Gradients) -> float:
    """Return the largest error over what the same derivative is, at most, in any row."""
    size = np.broadcast_to(abs(g.expected).max(axis=0, keepdims=True), g.wrong.shape)[g.wrong]
    return float((abs(g.given - g.expected)[g.wrong] / np.maximum(size, np.finfo(float).tiny)).max(initial=0.0))


def of_factor(g: Gradients, where: Array, rows: int | None) -> Diagnosis | None:
    """Return the factor by which all entries in `where` are off, if it is one and the same."""
    there = where & (abs(g.expected) > g.tolerance)
    if np.count_nonzero(there) < 1 or (where & ~there & g.wrong).any():
        return None
    a, b = g.given[there], g.expected[there]
    weight = 1 / np.maximum(g.tolerance[there], CLOSE * abs(b).max())
    c = float((a * b * weight**2).sum() / (b * b * weight**2).sum())
    if abs(c - 1) < CLOSE or abs(c) < CLOSE or not g.scaled(c)[there].all():
        return None
    if close(c, -1):
        return Diagnosis("sign", "the sign is flipped")
    if rows is not None and rows > 2:
        for n, words in ((rows, "times"), (1 / rows, "divided by")):
            if close(c, n) or close(c, -n):
                what = "a sum over rows where a mean belongs" if n > 1 else "a mean over rows where the sum belongs"
                return Diagnosis("batch-factor", f"{words} N = {rows}: {what}")
    known = {2.0: "twice too large", 0.5: "half of what it should be", -2.0: "−2 times", -0.5: "−1/2 times"}
    name = next((words for value, words in known.items() if close(c, value)), f"off by the factor {c:.6g}")
    return Diagnosis("factor", name)


def of_rows(g: Gradients) -> Diagnosis | None:
    """Return whether only the first row counts, or counts for all."""
    N = len(g.given)
    here = abs(g.given) > g.tolerance
    there = abs(g.expected) > g.tolerance
    if N < 3 or not g.wrong.any():
        return None
    if here[0].any() and not here[1:].any() and there[1:].any():
        return Diagnosis("row-position", "only the first row's gradient is taken: the sum over rows is missing")
    first = np.broadcast_to(g.expected[:1], g.given.shape)
    same = abs(g.given - first) <= g.tolerance + CLOSE * abs(first)
    if g.wrong[1:].any(axis=tuple(range(1, g.wrong.ndim))).mean() > 0.5 and same.all():
        return Diagnosis("row-position", "the first row's values are used for all rows")
    return None


def of_region(g: Gradients, wrong: Array) -> Diagnosis | None:
    """Return the part of the domain in which a map of single coordinates has a wrong derivative, if there is one."""
    if g.y is None:
        return None
    n = g.y.shape[1]
    off_diagonal = ~np.eye(n, dtype=bool)
    if n > 1 and (abs(g.expected[:, :-1]) > g.tolerance[:, :-1])[:, off_diagonal].any():
        return None
    bad = np.asarray(wrong.any(axis=1))  # (N, n): the input's coordinate itself
    return of_predicate(g.y, bad)


def of_predicate(y: Array, bad: Array) -> Diagnosis | None:
    """Return the simplest property of single coordinates that tells the bad ones from the others, if there is one."""
    if np.count_nonzero(bad) < FEW or np.count_nonzero(~bad) < FEW:
        return None
    for name, value in (("y", y), ("|y|", abs(y))):
        for side, sign in (("below", 1), ("above", -1)):
            inside, outside = (sign * value)[bad], (sign * value)[~bad]
            if inside.max() < outside.min():
                edge = sign * (inside.max() + outside.min()) / 2
                if name == "y" and abs(edge) < 0.3 * y.std():
                    return Diagnosis(
                        "region", f"wrong only where the coordinate is {'negative' if sign > 0 else 'positive'}"
                    )
                return Diagnosis(
                    "region", f"wrong only where {name.replace('y', 'the coordinate')} is {side} about {edge:.2g}"
                )
    return None


def of_transpose(g: Gradients) -> Diagnosis | None:
    """Return whether a matrix is transposed: the parameter, or the Jacobian of the input."""
    if g.y is not None:
        given, expected = g.given[:, :-1], g.expected[:, :-1].swapaxes(1, 2)
        tolerance = np.maximum(g.tolerance[:, :-1], g.tolerance[:, :-1].swapaxes(1, 2))
    elif g.given.ndim == 4 and g.given.shape[2] == g.given.shape[3] > 1:
        given, expected = g.given, g.expected.swapaxes(2, 3)
        tolerance = np.maximum(g.tolerance, g.tolerance.swapaxes(2, 3))
    else:
        return None
    if given.shape[2] > 1 and (abs(given - expected) <= 10 * tolerance + CLOSE * abs(expected)).all():
        if g.y is not None and permutes(g.expected[:, :-1]):
            return Diagnosis(
                "permuted", "backward exchanges the columns as the map does: the inverse permutation belongs there"
            )
        words = (
            "g @ W where g @ W.T belongs, or the other way round"
            if g.y is not None
            else "h.T @ g where the code has g.T @ h"
        )
        return Diagnosis("transposed", f"a matrix is transposed: {words}")
    return None


def of_two_uses(g: Gradients) -> Diagnosis | None:
    """Return whether a square parameter S is used twice, as S ± Sᵀ, and one of the two gradients is missing."""
    if g.y is not None or g.given.ndim != 4 or g.given.shape[2] != g.given.shape[3]:
        return None
    other = g.given.swapaxes(2, 3)
    tolerance = np.maximum(g.tolerance, g.tolerance.swapaxes(2, 3))
    for sum_of_both, letters in ((g.given - other, "S − Sᵀ"), (g.given + other, "S + Sᵀ")):
        if (abs(sum_of_both - g.expected) <= 10 * tolerance + CLOSE * abs(g.expected)).all():
            return Diagnosis("path-missing", f"one of two uses is missing: the map has {letters} of this parameter")
    return None


def permutes(J: Array) -> bool:
    """Return whether every Jacobian is a permutation of the coordinates, up to scales."""
    entries = abs(J) > CLOSE * abs(J).max()
    return bool((entries.sum(axis=1) == 1).all() and (entries.sum(axis=2) == 1).all())


def of_permutation(g: Gradients) -> Diagnosis | None:
    """Return the order of the last axis' columns in which given and expected agree, if there is one."""
    k = g.given.shape[-1]
    if g.given.ndim < 3 or not 2 <= k <= 64:
        return None
    given, expected = (np.moveaxis(a, -1, 0).reshape(k, -1) for a in (g.given, g.expected))
    tolerance = np.moveaxis(g.tolerance, -1, 0).reshape(k, -1).max(axis=0)
    order = matched(given, expected, tolerance)
    if order is None:
        return None
    return Diagnosis("permuted", f"columns are exchanged: column i of the gradient is column {order} of the right one")


def matched(given: Array, expected: Array, tolerance: Array) -> list[int] | None:
    """Return for each row of `given` (k, M) the row of `expected` that it equals, each used once, not all in place."""
    order: list[int] = []
    for row in given:
        same = (abs(row - expected) <= 10 * tolerance + CLOSE * abs(expected)).all(axis=1)
        free = [int(i) for i in np.flatnonzero(same) if i not in order]
        if not free:
            return None
        order.append(free[0])
    return None if order == list(range(len(order))) else order


def of_log_det(given: Array, expected: Array, tolerance: Array) -> Diagnosis:
    """Name the mistake in a log-det, (N,) against slogdet's."""
    if not np.isfinite(expected).all():
        return Diagnosis("not-inverse", "the Jacobian is singular there: the map cannot be undone")
    if not np.isfinite(given).all():
        return Diagnosis("nonfinite", "not finite: a logarithm of 0 or of a negative number, or an overflow")
    off = given - expected
    size = np.maximum(1, abs(expected))
    if not given.any():
        return Diagnosis("logdet-missing", "zero: the log-det is missing")
    if (abs(off) <= DIGITS * size).all() and np.ptp(off) > 0.1 * abs(off).max() and is_single(given):
        return Diagnosis("precision", "right to seven digits: float32")
    fits = lambda target: (abs(given - target) <= 10 * tolerance + CLOSE * abs(target)).all()  # noqa: E731
    if fits(-expected):
        return Diagnosis("logdet-sign", "the sign is flipped: this is the log-det of the other direction")
    varies = np.ptp(expected) > 1e-3 * abs(expected).max()
    c = float((given * expected).sum() / max((expected**2).sum(), np.finfo(float).tiny))
    if varies and fits(c * expected) and len(given) > 2:
        return Diagnosis("logdet-factor", f"off by the factor {c:.6g} in every row")
    if np.ptp(off) <= 10 * tolerance.max() + CLOSE * abs(off).max():
        words = f"off by {off.mean():.6g} in every row" + ("" if varies else f", a factor of {c:.6g}")
        return Diagnosis("logdet-constant", f"{words}: a constant or a term per coordinate")
    if (abs(off) <= 1e-3 * size).all():
        return Diagnosis(
            "inexact", f"close, not exact (to {(abs(off) / size).max():.1g}): a series is cut short, or an ε left out"
        )
    return Diagnosis("logdet-term", "off by an amount that differs from row to row: a term, or the axis of the sum")


def of_structure(jacobian: Array, pattern: Array, tolerance: float) -> str:
    """Describe where a Jacobian (n, n) is not what `pattern` fixes, up to `tolerance`, where that is not NaN."""
    fixed = ~np.isnan(pattern)
    wrong = np.argwhere(fixed & ~(abs(jacobian - np.where(fixed, pattern, 0)) <= tolerance))
    if not len(wrong):
        return ""
    places = ", ".join(f"({i}, {j})" for i, j in wrong[:4]) + (" …" if len(wrong) > 4 else "")
    near = [not fixed[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].all() for i, j in wrong]
    if all(near) and all(pattern[i, j] == 0 for i, j in wrong):
        return f"output i depends on input j at (i, j) = {places}, right beside the allowed entries: a mask off by one"
    if all(i == j for i, j in wrong):
        return f"the diagonal is not what the layer promises, at {places}"
    return f"output i depends on input j where the layer promises it does not, at (i, j) = {places}"


def of_round_trip(
    back: Array, start: Array, unit: Array, tolerance: Array, end: Array, staircase: bool = False
) -> Diagnosis:
    """Name what a round trip by way of `end` changed, (N, n) all three, columns of size `unit`.

    `staircase` says that one of the maps has steps where a smooth one has a slope.
    """
    off = np.nan_to_num(abs(back - start) / unit, nan=np.inf)
    wrong = ~(abs(back - start) <= tolerance)
    if (off <= UNDOES).all():
        relative = off / np.maximum(1, abs(start) / unit)
        stairs = staircase and SINGLE[0] < relative.max() < SINGLE[1]
        if (relative <= DIGITS).all() and (is_single(back) or is_single(end) or stairs):
            return Diagnosis("precision", "right to seven digits: float32 on the way")
        words = (
            f"comes back to {off.max():.1g} of a column's size, not to rounding: an iteration or a series is cut short"
        )
        return Diagnosis("inexact", words)
    order = matched(back.T, start.T, tolerance.max(axis=1))
    if order is not None:
        return Diagnosis("not-inverse", f"columns come back in another order, {order}: a permutation is not undone")
    columns = np.flatnonzero(wrong.any(axis=0)).tolist()
    if len(columns) < start.shape[1]:
        return Diagnosis(
            "not-inverse", f"only columns {columns} do not come back: another sign, scale or input one way"
        )
    return Diagnosis("not-inverse", "no column comes back: the two directions are not each other's inverse")


def is_single(values: Array) -> bool:
    """Return whether all numbers have float32's few digits."""
    return bool(np.array_equal(values.astype(np.float32).astype(values.dtype), values))


def columns_of(entries: Array, block: Sequence[Array] | None) -> str:
    """Name the entries that a mask picks out: one by one if few, else the columns they lie in; "" if it is all."""
    if entries.all() or not entries.any():
        return ""
    axes = [np.arange(length) for length in entries.shape] if block is None else block
    columns = axes[-1][entries.reshape(-1, entries.shape[-1]).any(axis=0)].tolist() if entries.ndim else []
    if entries.ndim > 1 and np.count_nonzero(entries) <= 3:
        places = ([int(axis[i]) for axis, i in zip(axes, index, strict=True)] for index in np.argwhere(entries))
        return ", ".join(map(str, places))
    return f"[…, {columns[0]}]" if entries.ndim > 1 and len(columns) == 1 else str(columns[:12])


def close(value: float, target: float) -> bool:
    """Return whether a coefficient is the target to six digits."""
    return abs(value - target) <= CLOSE * max(1.0, abs(target))
