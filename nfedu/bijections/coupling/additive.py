"""NICE's layer: additive coupling (N10–N12)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.coupling.base import Coupling


class AdditiveCoupling(Coupling):
    r"""NICE's layer: shift one part by a network's function of the other (N10–N12).

    z_to_x: x_{1:d} = z_{1:d},   x_{d+1:n} = z_{d+1:n} + m_θ(z_{1:d})                        N10
    x_to_z: z_{1:d} = x_{1:d},   z_{d+1:n} = x_{d+1:n} − m_θ(x_{1:d})                        N11
    ∂x/∂z = [[I, 0], [∂m_θ/∂z_{1:d}, I]],   log|det| = 0 both ways                           N12

    m_θ may be any function: it is never inverted. Here it is an MLP with layers `hidden` (widths) and an `activation`
    ("relu", "tanh" or "softplus"), started by `rng`. `d`, 1 ≤ d < n (M4), is where the coordinates are split, n // 2
    unless given; a `mask` of n booleans instead says which ones pass. With `flip` the roles are exchanged. Raises
    ValueError for n < 2, another d, or a mask that leaves a part empty.
    Source: Dinh, Krueger & Bengio 2014, section 3.2.
    """

    def __init__(
        self,
        n: int,
        hidden: Sequence[int] = (64, 64),
        d: int | None = None,
        flip: bool = False,
        *,
        mask: Any = None,
        activation: str = "relu",
        rng: np.random.Generator,
    ) -> None:
        super().__init__(n, hidden, d, flip, mask, activation)
        self.net = self.conditioner(self.n_b, rng)

    def z_to_x(self, z: Array) -> Mapped:
        """Add the shift."""
        z = as_batch(z, self.n, self, "z")
        z_a, z_b = self.split(z)
        m, net_backward = self.net(z_a)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_a, g_b = self.split(g_x)
            return self.join(g_a + net_backward(g_b), g_b)

        return self.join(z_a, z_b + m), np.zeros(len(z), z.dtype), backward  # N10, N12

    def x_to_z(self, x: Array) -> Mapped:
        """Subtract it: the part that it depends on is still there."""
        x = as_batch(x, self.n, self, "x")
        x_a, x_b = self.split(x)
        m, net_backward = self.net(x_a)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_a, g_b = self.split(g_z)
            return self.join(g_a + net_backward(-g_b), g_b)

        return self.join(x_a, x_b - m), np.zeros(len(x), x.dtype), backward  # N11, N12

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return [[I, 0], [anything, I]] (N12), rows and columns in the mask's places."""
        pattern = np.where(np.outer(~self.passes, self.passes), np.nan, np.eye(self.n))
        return pattern, pattern
