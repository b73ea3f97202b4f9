"""Rung 1: shapes, dtypes, inputs untouched, same answer again, rows on their own, gradients that accumulate."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection, Mapped
from nfedu.checks.report import Report, relative_error

ROUNDING = 1e-12


def check_contract(report: Report, layer: Bijection, direction: str, y: Array, rng: np.random.Generator) -> bool:
    """Add rung 1 for one direction at the batch `y` (N, n); return whether the later rungs make sense."""
    step: Callable[[Array], Mapped] = getattr(layer, direction)
    y_given, g_out, g_log_det = y.copy(), rng.standard_normal(y.shape), rng.standard_normal(len(y))
    g_given = g_out.copy(), g_log_det.copy()
    zero_gradients(layer)
    try:
        result = step(y_given)
        if not isinstance(result, tuple) or len(result) != 3:
            got = f"{len(result)} results" if isinstance(result, tuple) else type(result).__name__
            raise TypeError(f"expected three results, output, log_det and backward, got {got}")
        out, log_det, backward = result
        g_in = backward(*g_given)
    except Exception as problem:  # a learner's layer may fail in any way
        return report.add(1, f"{direction}: runs", np.inf, 0, f"raised {type(problem).__name__}: {problem}")
    once = gradients(layer)

    for name, array, like in (("output", out, y), ("log_det", log_det, y[:, 0]), ("backward's result", g_in, y)):
        right = np.shape(array) == like.shape and np.asarray(array).dtype == like.dtype
        found = f"got shape {np.shape(array)}, dtype {np.asarray(array).dtype}, expected {like.shape}, {like.dtype}"
        if not report.add(1, f"{direction}: shape of {name}", 0 if right else np.inf, 0, found):
            return False

    finite = all(np.isfinite(array).all() for array in (out, log_det, g_in, *once))
    note = "an output, a log-det or a gradient is NaN or infinite at these points"
    if not report.add(1, f"{direction}: finite", 0 if finite else np.inf, 0, diagnosis=note):
        return False

    def add(quantity: str, pairs: list[tuple[Array, Array]], tolerance: float, diagnosis: str) -> None:
        error = np.max([relative_error(given, expected) for given, expected in pairs], initial=0.0)
        report.add(1, f"{direction}: {quantity}", error, tolerance, diagnosis=diagnosis)

    add("input untouched", [(y_given, y)], 0, "a call modified its input in place: copy before changing it")
    pairs = [(g_given[0], g_out), (g_given[1], g_log_det)]
    add("backward's inputs untouched", pairs, 0, "backward modified g_out or g_log_det: copy before changing them")

    again = step(y.copy())
    other = step(y[::-1].copy())  # another call, alive at once: `again` must not notice
    pairs = [(again[0], out), (again[1], log_det)]
    add("same answer again", pairs, 0, "two calls differ: hidden randomness, or state that the first call left behind")
    pairs = [(other[0][::-1], out), (other[1][::-1], log_det)]
    words = "a row's result depends on other rows: a sum or mean over the wrong axis"
    if mixes_rows(layer):  # then at least their order must not matter
        add("rows in another order", pairs, ROUNDING, words)
    else:
        alone = step(y[:1].copy())
        pairs += [(alone[0], out[:1]), (alone[1], log_det[:1])]
        add("each row on its own", pairs, ROUNDING, words)

    zero_gradients(layer)
    g_again = again[2](g_out.copy(), g_log_det.copy())
    pairs = [(g_again, g_in), *zip(gradients(layer), once, strict=True)]
    add(
        "no hidden state",
        pairs,
        ROUNDING,
        "backward changed after another call: what it needs must live in its closure",
    )
    again[2](g_out.copy(), g_log_det.copy())
    pairs = [(twice, 2 * g) for twice, g in zip(gradients(layer), once, strict=True)]
    add("gradients accumulate", pairs, ROUNDING, "overwritten, not accumulated: use += on parameter.grad")
    return True


def mixes_rows(layer: Bijection) -> bool:
    """Return whether the layer says that its rows mix; one that says nothing must keep them apart."""
    return getattr(layer, "mixes_rows", False)


def gradients(layer: Bijection) -> list[Array]:
    """Return copies of all parameters' gradients."""
    return [p.grad.copy() for p in layer.parameters().values()]


def zero_gradients(layer: Bijection) -> None:
    """Set all parameters' gradients to zero."""
    for p in layer.parameters().values():
        p.grad[...] = 0
