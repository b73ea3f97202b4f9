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


def product(a: Array, b: Array) -> Array:
    """Return a @ b, and count its multiply-adds."""
    for count in _running:
        count.multiply_adds += a.shape[0] * a.shape[1] * b.shape[1]
    return np.dot(a, b)  # what @ is, which takes many times as long where `a` has a single column
