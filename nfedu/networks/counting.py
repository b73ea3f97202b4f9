"""Matrix products that are counted: what a pass through a MADE costs, measured instead of claimed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array


@dataclass(eq=False)  # two counts are two, even when they are equal
class Count:
    """Multiply-adds of all products made while counting."""

    multiply_adds: int = 0


_running: list[Count] = []


@contextmanager
def counting() -> Iterator[Count]:
    """Count the work of every `product` in the block of this `with`: MADE's, in `multiply_adds` of what it yields."""
    count = Count()
    _running.append(count)
    try:
        yield count
    finally:
        _running.remove(count)


def product(a: Array, b: Array, out: Array | None = None) -> Array:
    """Return a @ b, in `out` if that is given, and count its multiply-adds."""
    for count in _running:
        count.multiply_adds += a.shape[0] * a.shape[1] * b.shape[1]
    outer = a.shape[1] == 1  # which matmul takes many times as long for
    return np.multiply(a, b, out=out) if outer else np.matmul(a, b, out=out)
