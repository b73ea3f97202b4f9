"""Whether backward adds the same gradient twice: a gradient that counts what is added to it."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.rungs.gradient.halves import Halves


def added_twice(halves: Halves, name: str) -> bool:
    """Return whether one call of backward adds the same array twice to a parameter's grad."""
    p = halves.subject.parameters[name]
    kept, counted = p.grad, np.zeros_like(p.value).view(Counted)
    counted.added = []
    p.grad = counted
    try:
        weight = halves.weights[0] + halves.weights[1]
        halves.subject.call_backward(halves.backward, weight[:, :-1].copy(), weight[:, -1].copy())
    finally:
        p.grad = kept
    added = [a for a in counted.added if a.any()]
    return any(np.array_equal(a, b) for i, a in enumerate(added) for b in added[:i])


class Counted(np.ndarray):
    """A gradient that remembers what is added to it."""

    added: list[Array]

    def __array_finalize__(self, base: Any) -> None:
        self.added = getattr(base, "added", [])

    def __iadd__(self, other: Any) -> Any:  # type: ignore[misc]
        self.added.append(np.array(other))
        return super().__iadd__(other)
