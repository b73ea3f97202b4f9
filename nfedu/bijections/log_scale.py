"""The log-scale α of affine layers, and why it is bounded.

Without a bound inverses explode: rounding errors of x are multiplied by e^{−α} layer after layer, and a network that is
asked far from its data may answer with any α (Behrmann et al. 2021). RealNVP's remedy: a tanh, and a learned scale.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from nfedu.arrays import Array, name_of, over_rows
from nfedu.parameters import Parameter


class LogScale:
    """α = c ⊙ tanh(r): |α_i| ≤ |c_i|, with c learned and started at `bound`; α = r when that is None."""

    def __init__(self, size: int, bound: float | None, owner: object) -> None:
        if bound is not None and not 0 < bound < np.inf:
            raise ValueError(f"{name_of(owner)}: bound = {bound}, expected a number > 0, or None for no bound")
        self.c = None if bound is None else Parameter(np.full(size, float(bound)))

    def __call__(self, r: Array, i: Any = ...) -> tuple[Array, Callable[[Array], Array]]:
        """Return α, and `backward`, which takes its gradient, adds that of c, and returns that of r.

        All of them have the shape of `r`: (N, size), or (N,) where only coordinate `i` is meant.
        """
        if self.c is None:
            return r, lambda g_alpha: g_alpha
        parameter, c, t = self.c, self.c.value[i], np.tanh(r)

        def backward(g_alpha: Array) -> Array:
            parameter.grad[i] += over_rows(g_alpha * t)
            return g_alpha * (c * (1 - t * t))  # tanh' = 1 − tanh², first: where it is small, linear in g to its digits

        return c * t, backward

    def parameters(self) -> dict[str, Parameter]:
        """Return c as `scale`, if there is one."""
        return {} if self.c is None else {"scale": self.c}
