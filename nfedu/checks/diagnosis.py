"""What a wrong number usually means: the pattern of an error, in words that point at a line."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array

CLOSE = 1e-6
PRECISE = "right to six digits: precision is lost on the way, in float32 or by subtracting nearly equal numbers"


def of_gradient(
    given: Array, through_output: Array, through_log_det: Array, g_out: Array | None = None, y: Array | None = None
) -> str:
    """Name the mistake in a gradient, given the two parts that it should be the sum of.

    `given` ≈ a · through_output + b · through_log_det is solved for a and b; both should be 1. `g_out` and the input
    `y` are passed for the gradient of the input, to recognise a backward that forgot the way through the network, or
    the one through the mean and variance of the batch.
    """
    expected = through_output + through_log_det
    if not np.isfinite(given).all():
        return "not finite: a division by zero or an overflow in backward"
    if np.allclose(given, expected, rtol=0, atol=CLOSE * abs(expected).max()):
        return PRECISE
    if not given.any():
        return "zero everywhere: this path is missing in backward, or its gradient is never written"
    a, b = two_coefficients(given, through_output, through_log_det)
    if np.isfinite(a) and np.isfinite(b):
        if not close(a, 1) and (close(a, b) or not through_log_det.any() or not through_output.any()):
            return of_factor(b if not through_output.any() else a, rows=None if g_out is None else len(g_out))
        if close(a, 1):
            return f"log-det term {of_part(b)}: look at what backward does with g_log_det"
        if close(b, 1):
            return f"the term through the output {of_part(a)}: look at what backward does with g_out"
        return f"off by {a:.4g} through the output and by {b:.4g} through log-det"
    if given.ndim == 2 and given.shape[0] == given.shape[1] and np.allclose(given, expected.T, rtol=CLOSE):
        return "transposed: h.T @ g where the code has g.T @ h, or the other way round"
    wrong = abs(given - expected) > CLOSE * abs(expected).max()
    columns = np.flatnonzero(wrong.reshape(-1, wrong.shape[-1]).any(axis=0)).tolist() if wrong.ndim else []
    if g_out is not None and columns:  # a part that passes: g_out, plus what comes back through the network
        through_network = (expected - g_out)[:, columns]
        c, _ = two_coefficients((given - g_out)[:, columns], through_network, np.zeros_like(through_network))
        if np.isfinite(c):
            return f"path through the network or scale {of_part(c)}, in columns {columns}: the rest, g_out, is right"
    if y is not None and len(y) > 4 and of_statistics(given - expected, y):
        return "off by a constant and a multiple of the input in each column: paths through batch statistics missing"
    if len(columns) < given.shape[-1]:
        return f"wrong in columns {columns} only: the others are right"
    return f"wrong in {np.count_nonzero(wrong)} of {wrong.size} entries, in no pattern known here"


def of_statistics(error: Array, y: Array) -> bool:
    """Return whether each column of an error (N, n) is a + b·y there, as when a mean and a variance are left out."""
    for e, column in zip(error.T, y.T, strict=True):
        basis = np.stack([np.ones_like(column), column], axis=1)
        if abs(basis @ np.linalg.lstsq(basis, e, rcond=None)[0] - e).max() > CLOSE * abs(error).max():
            return False
    return True


def of_log_det(given: Array, expected: Array) -> str:
    """Name the mistake in a log-det, (N,) against slogdet's."""
    if not np.isfinite(expected).all():
        return "the Jacobian is singular or not finite there: the map cannot be undone"
    if not np.isfinite(given).all():
        return "not finite: a logarithm of 0, or an overflow"
    if not given.any():
        return "zero: the log-det is missing"
    if np.allclose(given, expected, rtol=CLOSE, atol=CLOSE):
        return PRECISE
    offset = given - expected
    a, _ = two_coefficients(given, expected, np.zeros_like(expected))
    if np.isfinite(a) and np.ptp(expected) < CLOSE * abs(expected).max() and not close(abs(a), 1):
        return f"the same in all rows, off by the factor {a:.6g} or by {offset.mean():.6g}: a term per coordinate?"
    if np.isfinite(a):
        return of_factor(a, None) + (": this is the log-det of the other direction" if close(a, -1) else "")
    if np.allclose(offset, offset.mean(), rtol=CLOSE):
        return f"a constant is missing: all rows are off by {offset.mean():.6g}"
    return "differs from row to row: a factor, a term or an axis of the sum"


def of_structure(jacobian: Array, pattern: Array, tolerance: float) -> str:
    """Name the mistake in a Jacobian (n, n) whose entries `pattern` fixes, up to `tolerance`, where it is not NaN."""
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


def of_round_trip(back: Array, start: Array) -> str:
    """Name what a round trip changed, (N, n) both."""
    if abs(back - start).max() <= 1e-3 * max(1.0, abs(start).max()):
        return "close, not exact: the map is ill-conditioned there, or Newton's method stopped too early"
    wrong = np.flatnonzero((~(abs(back - start) <= CLOSE)).any(axis=0)).tolist()
    if len(wrong) < start.shape[1]:
        return f"only columns {wrong} do not come back: one direction has another sign or another input there"
    return "no column comes back: the two directions are not each other's inverse"


def of_factor(factor: float, rows: int | None) -> str:
    """Name a factor that should be one."""
    known = {-1.0: "sign flipped", 2.0: "factor of 2 too large", 0.5: "factor of 2 too small"}
    if rows and rows > 2:
        known |= {
            float(rows): f"factor of N = {rows} too large: summed where the mean is taken",
            1 / rows: "divided by N",
        }
    for value, words in known.items():
        if close(factor, value):
            return words
    return f"off by the factor {factor:.6g} everywhere"


def of_part(coefficient: float) -> str:
    """Name what happened to one of two terms."""
    return "missing" if abs(coefficient) < CLOSE else of_factor(coefficient, None)


def two_coefficients(given: Array, first: Array, second: Array) -> tuple[float, float]:
    """Return a, b with given = a · first + b · second to six digits, or NaNs; a term that is zero gets 1."""
    parts = [part for part in (first, second) if part.any()]
    if not parts or not all(np.isfinite(array).all() for array in (given, first, second)):
        return np.nan, np.nan
    basis = np.stack([part.ravel() for part in parts], axis=1)
    solution, _, rank, _ = np.linalg.lstsq(basis, given.ravel(), rcond=1e-10)
    if (
        rank < len(parts)
        or given.size <= len(parts)
        or abs(basis @ solution - given.ravel()).max() > CLOSE * abs(given).max()
    ):
        return np.nan, np.nan
    coefficients = iter(solution.tolist())
    return (next(coefficients) if first.any() else 1.0, next(coefficients) if second.any() else 1.0)


def close(value: float, target: float) -> bool:
    """Return whether a coefficient is the target to six digits."""
    return abs(value - target) <= CLOSE * max(1.0, abs(target))
