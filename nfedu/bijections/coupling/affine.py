"""RealNVP's layer: affine coupling (N14–N16)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch, over_columns
from nfedu.bijections.base import Mapped
from nfedu.bijections.coupling.base import Coupling
from nfedu.bijections.log_scale import LogScale
from nfedu.parameters import Parameter, named


class AffineCoupling(Coupling):
    r"""RealNVP's layer: scale and shift one part by functions of the other (N14–N16).

    z_to_x: x_{1:d} = z_{1:d},   x_{d+1:n} = z_{d+1:n} ⊙ exp(α_θ(z_{1:d})) + μ_θ(z_{1:d})       N14
    x_to_z: z_{1:d} = x_{1:d},   z_{d+1:n} = (x_{d+1:n} − μ_θ(x_{1:d})) ⊙ exp(−α_θ(x_{1:d}))    N15, M6
    log|det ∂x/∂z| = Σ_i α_θ(z_{1:d})_i, and the negative of that for ∂z/∂x                     N16, M7
    backward: g_α = g_b ⊙ z_b ⊙ e^α + g_log_det for z_to_x, −g_b ⊙ z_b − g_log_det for x_to_z    B5

    One network gives μ and r; α = c ⊙ tanh(r) with a learned `scale` c, one per changed coordinate, which starts at
    `bound`: so |α_i| ≤ |c_i|. Without a bound (None) α = r, and inverses explode: rounding errors of x are multiplied
    by e^{−α} layer after layer, and a network that is asked far from its data may answer with any α. The other
    arguments, and the errors raised, are AdditiveCoupling's.
    Sources: Dinh et al. 2016, equations 4–8, and section 4.1 for the tanh; Behrmann et al. 2021.
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
        bound: float | None = 1.0,
        rng: np.random.Generator,
    ) -> None:
        super().__init__(n, hidden, d, flip, mask, activation)
        self.bound = bound
        self.net = self.conditioner(2 * self.n_b, rng)
        self.log_scale = LogScale(self.n_b, bound, self)

    def z_to_x(self, z: Array) -> Mapped:
        """Scale, then shift."""
        z = as_batch(z, self.n, self, "z")
        z_a, z_b = self.split(z)
        mu, alpha, net_backward = self.conditions(z_a)
        s = np.exp(alpha)
        scaled = z_b * s

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_a, g_b = self.split(g_x)
            g_alpha = g_b * scaled + g_log_det[:, None]
            return self.join(g_a + net_backward(g_b, g_alpha), g_b * s)

        return self.join(z_a, scaled + mu), over_columns(alpha), backward  # N14, N16

    def x_to_z(self, x: Array) -> Mapped:
        """Take the shift off, then the scale: both depend on what has passed."""
        x = as_batch(x, self.n, self, "x")
        x_a, x_b = self.split(x)
        mu, alpha, net_backward = self.conditions(x_a)
        s = np.exp(-alpha)
        z_b = (x_b - mu) * s  # N15

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_a, g_b = self.split(g_z)
            g_xb = g_b * s
            g_alpha = -g_b * z_b - g_log_det[:, None]
            return self.join(g_a + net_backward(-g_xb, g_alpha), g_xb)

        return self.join(x_a, z_b), -over_columns(alpha), backward  # N15, N16

    def conditions(self, y_a: Array) -> tuple[Array, Array, Callable[[Array, Array], Array]]:
        """Return μ_θ and α_θ of the part that passes, (N, b) each, and the way back from their gradients to it."""
        out, net_backward = self.net(y_a)
        mu, r = out[:, : self.n_b], out[:, self.n_b :]
        alpha, r_backward = self.log_scale(r)

        def backward(g_mu: Array, g_alpha: Array) -> Array:
            return net_backward(np.concatenate((g_mu, r_backward(g_alpha)), axis=1))

        return mu, alpha, backward

    def parameters(self) -> dict[str, Parameter]:
        """Return the network's parameters, and the scale c of α if it is bounded."""
        return named(net=self.net) | self.log_scale.parameters()

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return [[I, 0], [anything, diagonal]], rows and columns in the mask's places."""
        free = np.outer(~self.passes, self.passes) | np.diag(~self.passes)
        pattern = np.where(free, np.nan, np.eye(self.n))
        return pattern, pattern
