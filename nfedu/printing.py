"""How layers and flows are printed: a layer by its constructor's arguments, a flow as a table of its layers."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import numpy as np

WIDTH = 60  # of a layer in the table
SHOWN = 6  # entries of an array


def call_of(thing: Any) -> str:
    """Return the call that makes such a thing, with the arguments that are not as by default; `rng` is left out."""
    parts = []
    for name, parameter in inspect.signature(type(thing)).parameters.items():
        if name == "rng" or parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            continue
        value = getattr(thing, name, parameter.default)
        if value is not inspect.Parameter.empty and not same(value, parameter.default):
            parts.append(f"{name}={short(value)}")
    return f"{type(thing).__name__}({', '.join(parts)})"


def short(value: Any) -> str:
    """Return a value as it would be written, arrays with a few entries alone, and as a number where all are equal."""
    if isinstance(value, np.ndarray | np.generic):
        written = f"{{:{'.6g' if value.dtype.kind == 'f' else ''}}}".format
        if value.size and (value == value.flat[0]).all():
            return written(value.flat[0].item())
        entries = ", ".join(map(written, value.ravel()[:SHOWN].tolist()))
        return f"[{entries}{', …' if value.size > SHOWN else ''}]"
    if isinstance(value, list | tuple):
        numbers = len(value) > SHOWN and all(isinstance(entry, int | float | list) for entry in value)
        entries = ", ".join(map(short, value[:SHOWN] if numbers else value)) + (", …" if numbers else "")
        return f"[{entries}]" if isinstance(value, list) else f"({entries}{',' * (len(value) == 1)})"
    return repr(value)


def same(value: Any, default: Any) -> bool:
    """Return whether an argument is its default; lists and tuples of the same entries are the same."""
    if isinstance(value, np.ndarray):
        return np.isscalar(default) and bool((value == default).all())
    return bool(value == default) if type(value) is type(default) else False


def table(layers: Sequence[Any]) -> str:
    """Return a line for each layer, in the order in which z meets them: n, parameters, what each direction takes."""
    rows = [("", "layer", "n", "parameters", "z→x", "x→z")]
    for k, layer in enumerate(layers):
        call, count = repr(layer), sum(p.value.size for p in layer.parameters().values())
        call = call if len(call) <= WIDTH else f"{call[: WIDTH - 1]}…"
        rows.append((str(k), call, str(layer.n), str(count), *getattr(layer, "directions", ("", ""))))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(place, row, widths, "><>><<")).rstrip() for row in rows]
    return "\n".join(lines)


def place(cell: str, width: int, side: str) -> str:
    """Return a cell of a table, on that side of its column."""
    return f"{cell:{side}{width}}"
