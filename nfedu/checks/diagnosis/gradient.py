"""A wrong gradient: its patterns, in the order in which they are asked for."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import DIGITS, Diagnosis, is_single
from nfedu.checks.diagnosis.factor import of_factor
from nfedu.checks.diagnosis.order import of_permutation, of_transpose, of_two_uses
from nfedu.checks.diagnosis.place import columns_of, of_region, of_rows
from nfedu.checks.diagnosis.versions import Gradients

NEARLY = 0.15  # an error below this, everywhere, is an approximation


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
