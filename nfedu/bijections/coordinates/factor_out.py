"""Several scales: part of the latents is finished early, the rest goes on. All of them stay in one vector."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nfedu.arrays import Array, as_batch, as_dimension
from nfedu.bijections.base import Bijection, Chain, Mapped
from nfedu.parameters import Parameter, named


class FactorOut(Bijection):
    r"""Only the first k coordinates go through `bijections`, of dimension k; the others are latents already.

    z_to_x: x_{1:k} = f(z_{1:k}),  x_{k+1:n} = z_{k+1:n};    log|det| is that of f, both ways

    After a squeeze the first k are the first channels, so this is RealNVP's factoring out (Dinh et al. 2016, equations
    13–15). Nothing is dropped: z and x keep n coordinates, and the flow its one base distribution of dimension n.
    Raises ValueError unless 1 ≤ k < n.
    """

    def __init__(self, n: int, bijections: Bijection | Sequence[Bijection]) -> None:
        self.n = as_dimension(n, self, least=2)
        self.deeper = Chain([bijections] if isinstance(bijections, Bijection) else bijections)
        self.bijections, self.k = self.deeper.bijections, self.deeper.n
        if self.k >= self.n:
            raise ValueError(
                f"FactorOut: the bijections have n = {self.k}, expected less than {self.n}: they act on the first "
                "coordinates, and some must be left to factor out; without any, use a Chain"
            )

    def z_to_x(self, z: Array) -> Mapped:
        """Bring the coarse latents back, beside the fine ones."""
        return self._on_first(self.deeper.z_to_x, as_batch(z, self.n, self, "z"))

    def x_to_z(self, x: Array) -> Mapped:
        """Go on with the first k."""
        return self._on_first(self.deeper.x_to_z, as_batch(x, self.n, self, "x"))

    def _on_first(self, step: Callable[[Array], Mapped], y: Array) -> Mapped:
        out, log_det, deeper_backward = step(y[:, : self.k])

        def backward(g: Array, g_log_det: Array) -> Array:
            return np.concatenate((deeper_backward(g[:, : self.k], g_log_det), g[:, self.k :]), axis=1)

        return np.concatenate((out, y[:, self.k :]), axis=1), log_det, backward

    def parts(self) -> Sequence[Bijection]:
        """Return the chain of the coarser scales."""
        return [self.deeper]

    def parameters(self) -> dict[str, Parameter]:
        """Return those of the deeper layers: `deeper.0.net.W0`."""
        return named(deeper=self.deeper)

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return [[anything, 0], [0, I]]."""
        pattern = np.eye(self.n)
        pattern[: self.k, : self.k] = np.nan
        return pattern, pattern
