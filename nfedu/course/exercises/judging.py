"""What a judge says of an answer: numbers are compared with those of a hidden reference, and a difference is named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.base import Diagnosis, close
from nfedu.checks.diagnosis.log_det import of_log_det
from nfedu.checks.diagnosis.order import matched
from nfedu.checks.reports.check import worst_entry
from nfedu.course.exercises.wire import Remote

TOLERANCE = 1e-8
FEW = 2  # numbers; with fewer a factor is no pattern


class WrongError(Exception):
    """An answer is wrong: in these words, and this hint, 1 to 3, is the one that fits."""

    def __init__(self, words: str, hint: int) -> None:
        super().__init__(words)
        self.words, self.hint = words, hint


class At(NamedTuple):
    """A typical mistake's numbers, with a hint of its own."""

    hint: int
    value: Any


def expect(
    what: str,
    given: Any,
    expected: Any,
    hint: int,
    tolerance: float = TOLERANCE,
    typical: dict[str, Any] | None = None,
    log_det: bool = False,
    rows: int | None = None,
) -> None:
    """Raise WrongError unless the given numbers are the expected ones, in relation to the largest of them.

    `typical` are wrong numbers, by the words that say where they come from, `At` another hint where one fits better;
    `log_det` says that the numbers are log-dets, `rows` over how many rows they are summed.
    """
    expected = np.asarray(expected) * 1  # booleans become numbers
    given = numbers(what, given, hint) * 1
    if given.shape != expected.shape:
        why = why_shaped(given.shape, expected.shape)
        raise WrongError(f"{what}: shape: it has shape {given.shape}, expected {expected.shape}{why}", hint)
    if not np.isfinite(given).all():
        words = "it is NaN or infinite where it should be a number"
        raise WrongError(f"{what}: nonfinite: {words}; {worst_entry(given, expected)}", hint)
    size = max(1.0, float(abs(expected).max(initial=0.0)))
    if (abs(given - expected) <= tolerance * size).all():
        return
    worst = worst_entry(given, expected)
    recognise(what, given, hint, typical or {}, 10 * tolerance * size, worst)
    named = name_log_det(given, expected, tolerance) if log_det else name(given, expected, tolerance * size, rows)
    raise WrongError(f"{what}: {named.cause}: {named.words}; {worst}", hint)


def why_shaped(given: tuple[int, ...], expected: tuple[int, ...]) -> str:
    """Return how a wrong shape comes about, "" if that is not known."""
    if len(given) == len(expected) + 1 and any(
        given[k] == 1 and given[:k] + given[k + 1 :] == expected for k in range(len(given))
    ):
        return ": one axis too many, of length 1: drop keepdims"
    if given == expected * 2 and len(expected) == 1:
        return ": shapes (N, 1) and (N,) together make (N, N)"
    if len(given) > 1 and given[1:] == expected:
        return ": the sum over rows is missing"
    if given == () and len(expected) == 1:
        return ": one number in all: which axis is summed over?"
    if len(expected) > 1 and given == (*expected[:-2], expected[-1], expected[-2]):
        return ": the last two axes are exchanged"
    return ""


def recognise(
    what: str, given: Any, hint: int, typical: dict[str, Any], tolerance: float = TOLERANCE, worst: str = ""
) -> None:
    """Raise WrongError if the given numbers are a typical mistake's."""
    given = numbers(what, given, hint)
    for words, value in typical.items():
        hint_here, value = value if isinstance(value, At) else (hint, value)
        if np.shape(value) == given.shape and (abs(given - value) <= tolerance).all():
            raise WrongError(f"{what}: {words}" + (f"; {worst}" if worst else ""), hint_here)


def numbers(what: str, given: Any, hint: int) -> Array:
    """Return what an answer returned as an array of numbers, or say what it is instead."""
    if isinstance(given, Remote):
        raise WrongError(f"{what}: shape: it is an object, {given._kind.split('.')[-1]}, expected numbers", hint)
    try:
        array = np.asarray(given)
    except ValueError:
        array = np.array(None)
    if array.dtype.kind not in "biufc":
        kind = type(given).__name__
        raise WrongError(f"{what}: shape: it is {'None' if given is None else f'a {kind}'}, expected numbers", hint)
    return array


def name_log_det(given: Array, expected: Array, tolerance: float) -> Diagnosis:
    """Name the mistake in a log-det as the checker does."""
    return of_log_det(given, expected, np.full(expected.shape, tolerance))


def name(given: Array, expected: Array, tolerance: float, rows: int | None = None) -> Diagnosis:
    """Name a difference by the pattern it has."""
    agrees = lambda a, b: a.shape == b.shape and bool((abs(a - b) <= 10 * tolerance).all())  # noqa: E731
    if agrees(given, -expected):
        return Diagnosis("sign", "it has the wrong sign")
    if not given.any():
        return Diagnosis("path-missing", "it is zero everywhere")
    there = abs(expected) > tolerance
    if there.sum() >= FEW:
        factor = float((given * expected).real.sum() / (abs(expected) ** 2).sum())
        if agrees(given, factor * expected):
            if rows is not None and rows > 2 and (close(factor, 1 / rows) or close(factor, rows)):
                words = (
                    "a mean over rows where the sum belongs" if factor < 1 else "a sum over rows where a mean belongs"
                )
                return Diagnosis("batch-factor", words)
            return Diagnosis("factor", f"it is off by the factor {factor:.6g}")
    if given.ndim >= 2 and agrees(given, expected.swapaxes(-1, -2)):
        return Diagnosis("transposed", "a matrix is transposed")
    if given.ndim == 2 and len(given) > 1:
        for axis, words in ((0, "rows"), (1, "columns")):
            a, b = np.moveaxis(given, axis, 0), np.moveaxis(expected, axis, 0)
            order = matched(a, b, np.full(1, tolerance))
            if order is not None:
                return Diagnosis("permuted", f"its {words} are exchanged: they are {order} of the right ones")
    off = given - expected
    if given.size >= FEW and np.ptp(off) <= 10 * tolerance:
        return Diagnosis("factor", f"it is off by {off.flat[0]:.6g} everywhere: a constant")
    wrong = abs(off) > tolerance
    if given.ndim == 2 and wrong.any(axis=0).sum() < given.shape[1]:
        return Diagnosis("wrong-term", f"wrong in columns {np.flatnonzero(wrong.any(axis=0)).tolist()} only")
    if 2 * wrong.sum() < wrong.size:
        return Diagnosis("wrong-term", f"{wrong.sum()} of {wrong.size} numbers are wrong")
    return Diagnosis("wrong-term", "it is another number, in no pattern known here")


def parts(what: str, given: Any, count: int, hint: int, names: str) -> Sequence[Any]:
    """Return the results of an answer that returns several, or say that there are not so many."""
    if not isinstance(given, tuple | list) or len(given) != count:
        got = f"{len(given)} results" if isinstance(given, tuple | list) else "one result"
        raise WrongError(f"{what}: shape: it returned {got}, expected {count}: {names}", hint)
    return given


def function(what: str, given: Any, hint: int) -> Callable[..., Any]:
    """Return a function that an answer returned, or say that it is none."""
    if not isinstance(given, Remote):
        raise WrongError(f"{what}: shape: it is {type(given).__name__}, expected a function", hint)
    return given


def expect_layer(layer: Any, x: Array, hint: Callable[[str], int], seed: int) -> None:
    """Raise WrongError with the checker's words when it objects to a layer; it runs where the answer does.

    So it explains, and does not decide: what decides are the numbers that the judge compares after it.
    `hint` says which hint belongs to a quantity of the checker's.
    """
    if layer._kind.startswith("nfedu."):
        raise WrongError(f"it is nfedu's own {layer._kind.split('.')[-1]}: this one is to be written by hand", 1)
    found = layer._end.ask("check", layer, x, seed)
    if found is not None:
        cause, words, detail, where = (str(part) for part in found)
        raise WrongError("; ".join(part for part in (f"{cause}: {words}", detail, where) if part), hint(words))
