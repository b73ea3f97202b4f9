"""Batches: what an array must be to enter a layer, and what to say when it is not."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
COMPUTED = "fdgFDG"  # float32, float64, longdouble and their complex kin, by NumPy's letters


class NonFiniteError(ValueError):
    """NaN or infinity where a finite number is needed."""


def as_batch(x: Any, n: int, owner: object, letter: str = "x") -> Array:
    """Return `x` as an array of shape (N, n) with finite entries, N ≥ 1, or say what is wrong with it.

    `owner` and `letter` name the layer and its argument in the message. float32, float64, longdouble and complex arrays
    pass as they are, uncopied; other numbers become float64.
    """
    name = name_of(owner)
    if isinstance(x, np.ma.MaskedArray) and np.ma.getmaskarray(x).any():
        missing = np.count_nonzero(np.ma.getmaskarray(x))
        raise ValueError(f"{name}: {letter} has {missing} masked entries of {x.size}; fill them, or drop their rows")
    x = np.asarray(x)
    if x.dtype.char not in COMPUTED:
        x = as_numbers(x, name, letter)
    if x.ndim != 2 or x.shape[1] != n or len(x) == 0:
        shape = getattr(owner, "shape", None)  # an image's
        hint = "" if shape is None else f", images of shape {shape}, flattened"
        if shape is not None and x.ndim > 2 and x[0].size == n:
            hint += f"; did you mean {letter}.reshape({len(x)}, -1)?"
        elif x.ndim == 1 and x.size and n in (1, len(x)):
            hint += f"; did you mean {letter}[{':, None' if n == 1 else 'None, :'}]?"
        elif x.ndim == 2 and x.shape[0] == n:
            hint += f"; did you mean {letter}.T?"
        raise ValueError(f"{name}: {letter} has shape {x.shape}, expected (N, {n}) with N ≥ 1 points in rows{hint}")
    if not np.isfinite(x).all():
        row, column = np.argwhere(~np.isfinite(x))[0]
        raise NonFiniteError(
            f"{name}: {letter} holds {np.count_nonzero(~np.isfinite(x))} non-finite entries of {x.size}, the first is "
            f"{x[row, column]} at row {row}, column {column}; drop such rows, or look at the layer that made them"
        )
    return x


def as_numbers(x: Array, name: str, letter: str) -> Array:
    """Return other numbers in a type that is computed in; ValueError for dates, text, and objects that are none."""
    try:
        if x.dtype.kind in "mMSU":
            raise TypeError
        return x.astype(np.float64)
    except (TypeError, ValueError):
        hint = (
            "count them from a day of your choice, (x - day) / np.timedelta64(1, 'D')" if x.dtype.kind in "mM" else ""
        )
        hint = hint or "convert it to float64"
        raise ValueError(f"{name}: {letter} has dtype {x.dtype}, expected numbers; {hint}") from None


def as_values(values: Any, shape: tuple[int, ...], owner: object, name: str) -> Array:
    """Return what a distribution's method gave for N points, or raise ValueError unless it has the shape asked for."""
    if np.shape(values) != shape:
        raise ValueError(f"{name_of(owner)}: {name} returned shape {np.shape(values)}, expected {shape}")
    return np.asarray(values)


def over_rows(a: Array) -> Array:
    """Return the sum over the rows of `a`, as a product: NumPy's own sum of a few hundred rows takes thrice as long."""
    return np.ones(len(a), a.dtype) @ a


def over_columns(a: Array) -> Array:
    """Return each row's sum, (N,), likewise."""
    return a @ np.ones(a.shape[1], a.dtype)


def is_whole(number: Any, least: int) -> bool:
    """Return whether `number` is an integer ≥ `least`; True and False are none."""
    return isinstance(number, int | np.integer) and not isinstance(number, bool) and bool(number >= least)


def as_dimension(n: Any, owner: object, least: int = 1) -> int:
    """Return the dimension `n` as an int ≥ `least`, or raise ValueError."""
    if not is_whole(n, least):
        raise ValueError(f"{name_of(owner)}: n = {n!r}, expected an integer ≥ {least}, the dimension of a point")
    return int(n)


def as_widths(hidden: Any, owner: object) -> tuple[int, ...]:
    """Return the widths of a network's hidden layers as a tuple of integers ≥ 1, or raise ValueError."""
    widths = tuple(hidden) if isinstance(hidden, list | tuple | np.ndarray) else None
    if widths is None or not all(is_whole(width, 1) for width in widths):
        raise ValueError(f"{name_of(owner)}: hidden = {hidden!r}, expected integer widths ≥ 1, such as (64, 64)")
    return widths


def as_shape(shape: Any, owner: object) -> tuple[int, int, int]:
    """Return an image's shape as three ints (channels, height, width) ≥ 1, or raise ValueError."""
    entries = tuple(shape) if isinstance(shape, list | tuple | np.ndarray) else ()
    if len(entries) != 3 or not all(is_whole(e, 1) for e in entries):
        raise ValueError(
            f"{name_of(owner)}: shape = {shape!r}, expected (channels, height, width), three integers ≥ 1; "
            "n is their product"
        )
    return int(entries[0]), int(entries[1]), int(entries[2])


def as_generator(rng: Any, owner: object) -> np.random.Generator:
    """Return `rng`, or raise ValueError when it is no generator but, say, a seed."""
    if not isinstance(rng, np.random.Generator):
        raise ValueError(f"{name_of(owner)}: rng = {rng!r}, expected a generator such as np.random.default_rng(0)")
    return rng


def as_count(count: Any, rng: Any, owner: object) -> int:
    """Return a number of samples ≥ 1 as an int, or raise ValueError; also when `rng`, which will draw them, is none."""
    as_generator(rng, owner)
    if not is_whole(count, 1):
        raise ValueError(f"{name_of(owner)}: count = {count!r}, expected a whole number of samples ≥ 1")
    return int(count)


def name_of(owner: object) -> str:
    """Return the name that stands first in a message: a function's as given, an object's class."""
    return owner if isinstance(owner, str) else type(owner).__name__
