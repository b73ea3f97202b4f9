"""What all couplings share: one part of the coordinates passes and says what happens to the other part."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_dimension, as_widths
from nfedu.bijections.base import Bijection
from nfedu.bijections.coupling.masks import as_mask, halves
from nfedu.networks.mlp import MLP
from nfedu.parameters import Parameter, named


class Coupling(Bijection):
    """What all couplings share: a mask that says what passes, and a network that looks at that.

    In formulas a is the part that passes, b the part that is changed; `flip` exchanges them.
    """

    def __init__(self, n: int, hidden: Sequence[int], d: int | None, flip: bool, mask: Any, activation: str) -> None:
        passes = partition(n, d, mask, self)
        self.n, self.hidden, self.d = len(passes), as_widths(hidden, self), d
        self.flip, self.activation = bool(flip), activation
        self.mask: Any = None if mask is None else np.array(mask)
        self.passes = ~passes if self.flip else passes
        self.a, self.b = span(self.passes), span(~self.passes)
        self.n_a, self.n_b = int(self.passes.sum()), int((~self.passes).sum())
        self.net: Any

    def conditioner(self, outputs: int, rng: np.random.Generator) -> Any:
        """Return a new network from the part that passes to so many outputs."""
        return MLP(self.n_a, self.hidden, outputs, self.activation, rng=rng)

    def split(self, y: Array) -> tuple[Array, Array]:
        """Return (the part that passes, the part that is changed)."""
        return y[:, self.a], y[:, self.b]

    def join(self, y_a: Array, y_b: Array) -> Array:
        """Undo `split`."""
        y = np.empty((len(y_a), self.n), y_b.dtype)
        y[:, self.a], y[:, self.b] = y_a, y_b
        return y

    def parameters(self) -> dict[str, Parameter]:
        """Return the network's parameters."""
        return named(net=self.net)


def partition(n: int, d: int | None, mask: Any, owner: object) -> Array:
    """Return which of n coordinates pass: the first d, or what the mask says; a ValueError for both at once."""
    n = as_dimension(n, owner, least=2)
    if d is not None and mask is not None:
        raise ValueError(f"{type(owner).__name__}: got d and a mask, expected one of them: both say what passes")
    return halves(n, d, owner) if mask is None else as_mask(mask, n, owner)


def span(chosen: Array) -> Array | slice:
    """Return where booleans are true: as a slice where they have no gaps, since a view is cheaper than a copy."""
    places = np.flatnonzero(chosen)
    first, last = int(places[0]), int(places[-1])
    return slice(first, last + 1) if last - first + 1 == len(places) else places
