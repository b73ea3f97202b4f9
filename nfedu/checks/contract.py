"""Rung 1: shapes, dtypes, inputs untouched, same answer again, rows on their own, gradients that accumulate."""

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection, Mapped
from nfedu.checks.report import Report, relative_error

TOLERANCE = 1e-12


def check_contract(report: Report, layer: Bijection, direction: str, y: Array, rng: np.random.Generator) -> bool:
    """Add rung 1 for one direction at the batch `y` (N, n); return whether the later rungs make sense."""
    step: Callable[[Array], Mapped] = getattr(layer, direction)
    given = y.copy()
    try:
        out, log_det, backward = step(given)
        g_out, g_log_det = rng.standard_normal(y.shape), rng.standard_normal(len(y))
        g_in = backward(g_out, g_log_det)
    except Exception as error:  # a learner's layer may fail in any way
        return report.add(1, f"{direction}: runs", np.inf, 0, f"raised {type(error).__name__}: {error}")

    for name, array, like in (("output", out, y), ("log_det", log_det, y[:, 0]), ("backward's result", g_in, y)):
        right = np.shape(array) == like.shape and np.asarray(array).dtype == like.dtype
        found = f"got shape {np.shape(array)}, dtype {np.asarray(array).dtype}, expected {like.shape}, {like.dtype}"
        if not report.add(1, f"{direction}: shape of {name}", 0 if right else np.inf, 0, found):
            return False

    modified = "a call modified its input in place: copy before changing it"
    report.compare(1, f"{direction}: input untouched", given, y, 0, modified)
    kept = g_out.copy(), g_log_det.copy()
    zero_gradients(layer)
    backward(g_out, g_log_det)
    once = gradients(layer)
    error = relative_error(g_out, kept[0]) + relative_error(g_log_det, kept[1])
    report.add(1, f"{direction}: backward's inputs untouched", error, 0, diagnosis="backward modified g_out or g_log_det")
    g_out, g_log_det = kept

    again = step(y.copy())
    other = step(y[::-1].copy())  # a second call alive at once: if it changes the first, the layer keeps state
    random = "two calls differ: hidden randomness, or state that the first call left behind"
    report.add(1, f"{direction}: same answer again", relative_error(again[0], out) + relative_error(again[1], log_det), 0,
               diagnosis=random)
    alone = step(y[:1].copy())
    error = relative_error(alone[0], out[:1]) + abs(alone[1] - log_det[:1]).max()
    report.add(1, f"{direction}: each row on its own", error, TOLERANCE, diagnosis="a row's result depends on the other "
               "rows: a sum or mean over the wrong axis")

    zero_gradients(layer)
    g_again = again[2](g_out, g_log_det)
    error = max([relative_error(g_again, g_in), *(relative_error(b, a) for a, b in zip(once, gradients(layer), strict=True))])
    report.add(1, f"{direction}: no hidden state", error, TOLERANCE, diagnosis="backward changed after another call: what "
               "it needs must live in its closure, not in the layer")
    again[2](g_out, g_log_det)
    error = max([relative_error(b, 2 * a) for a, b in zip(once, gradients(layer), strict=True)], default=0.0)
    overwritten = "a gradient is overwritten, not accumulated: use += on parameter.grad"
    report.add(1, f"{direction}: gradients accumulate", error, TOLERANCE, diagnosis=overwritten)
    del other
    return True


def gradients(layer: Bijection) -> list[Array]:
    """Return copies of all parameters' gradients."""
    return [p.grad.copy() for p in layer.parameters().values()]


def zero_gradients(layer: Bijection) -> None:
    """Set all parameters' gradients to zero."""
    for p in layer.parameters().values():
        p.grad[...] = 0
