"""Coupling layers: one part of the coordinates passes unchanged and says what happens to the other part."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Mapped
from nfedu.networks.mlp import MLP
from nfedu.parameters import Parameter, named


class AdditiveCoupling(Bijection):
    r"""NICE's layer: shift one part by a network's function of the other (N10–N12).

    z_to_x: x_{1:d} = z_{1:d},   x_{d+1:n} = z_{d+1:n} + m_θ(z_{1:d})                        N10
    x_to_z: z_{1:d} = x_{1:d},   z_{d+1:n} = x_{d+1:n} − m_θ(x_{1:d})                        N11
    ∂x/∂z = [[I, 0], [∂m_θ/∂z_{1:d}, I]],   log|det| = 0 both ways                           N12

    m_θ may be any function: it is never inverted. Here it is an MLP with layers `hidden` (widths) and an `activation`
    ("relu", "tanh" or "softplus"), started by `rng`. `d`, 1 ≤ d < n (M4), is where the coordinates are split, n // 2
    unless given; with `flip` the part d+1:n passes and 1:d is shifted. Raises ValueError for n < 2 or another d.
    Source: Dinh, Krueger & Bengio 2014, section 3.2.
    """

    def __init__(
        self,
        n: int,
        hidden: Sequence[int] = (64, 64),
        d: int | None = None,
        flip: bool = False,
        *,
        activation: str = "relu",
        rng: np.random.Generator,
    ) -> None:
        self.n = as_dimension(n, self, least=2)
        self.d = split_position(self.n, d, self)
        self.flip = bool(flip)
        self.hidden, self.activation = tuple(hidden), activation
        a, b = (self.n - self.d, self.d) if self.flip else (self.d, self.n - self.d)
        self.net = MLP(a, self.hidden, b, activation, rng=rng)

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

    def split(self, y: Array) -> tuple[Array, Array]:
        """Return (the part that passes, the part that is shifted)."""
        first, second = y[:, : self.d], y[:, self.d :]
        return (second, first) if self.flip else (first, second)

    def join(self, y_a: Array, y_b: Array) -> Array:
        """Undo `split`."""
        return np.concatenate((y_b, y_a) if self.flip else (y_a, y_b), axis=1)

    def parameters(self) -> dict[str, Parameter]:
        """Return the network's parameters."""
        return named(net=self.net)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return [[I, 0], [anything, I]] (N12), with the blocks exchanged when flipped."""
        passes = np.arange(self.n) >= self.d if self.flip else np.arange(self.n) < self.d
        pattern = np.where(np.outer(~passes, passes), np.nan, np.eye(self.n))
        return pattern, pattern


def split_position(n: int, d: int | None, owner: object) -> int:
    """Return where n coordinates are split: d, or n // 2 for None; a ValueError unless 1 ≤ d < n (M4)."""
    d = n // 2 if d is None else d
    if isinstance(d, bool) or not isinstance(d, int | np.integer) or not 1 <= d < n:
        raise ValueError(
            f"{type(owner).__name__}: d = {d} with n = {n}, expected 1 ≤ d < n, an integer: d coordinates pass "
            "unchanged and n − d are transformed, and neither part may be empty (M4)"
        )
    return int(d)
