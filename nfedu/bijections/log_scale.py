"""The log-scale α of affine layers, and why it is bounded.

Without a bound inverses explode: rounding errors of x are multiplied by e^{−α} layer after layer, and a network that is
asked far from its data may answer with any α (Behrmann et al. 2021). RealNVP's remedy: a tanh, and a learned scale.
"""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, name_of
from nfedu.parameters import Parameter


class LogScale:
    """α = c ⊙ tanh(r): |α_i| ≤ |c_i|, with c learned and started at `bound`; α = r when that is None."""

    def __init__(self, size: int, bound: float | None, owner: object) -> None:
        if bound is not None and not 0 < bound < np.inf:
            raise ValueError(f"{name_of(owner)}: bound = {bound}, expected a number > 0, or None for no bound")
        self.c = None if bound is None else Parameter(np.full(size, float(bound)))

    def __call__(self, r: Array) -> tuple[Array, Array]:
        """Return α and ∂α/∂r, both (N, size)."""
        if self.c is None:
            return r, np.ones_like(r)
        t = np.tanh(r)
        return self.c.value * t, self.c.value * (1 - t**2)

    def at(self, i: int, r: Array) -> Array:
        """Return α_i for one coordinate's r, (N,)."""
        return r if self.c is None else self.c.value[i] * np.tanh(r)

    def accumulate(self, r: Array, g_alpha: Array) -> None:
        """Add the gradient of c, given that of α."""
        if self.c is not None:
            self.c.grad += (g_alpha * np.tanh(r)).sum(axis=0)

    def parameters(self) -> dict[str, Parameter]:
        """Return c as `scale`, if there is one."""
        return {} if self.c is None else {"scale": self.c}
