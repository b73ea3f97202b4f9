"""Autoregressive layers: each coordinate is scaled and shifted by functions of those before it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch, as_dimension, as_widths, over_columns
from nfedu.bijections.base import Bijection, Inverse, Mapped
from nfedu.bijections.coordinates.permutations import as_permutation
from nfedu.bijections.log_scale import LogScale
from nfedu.networks.incremental import METHODS, propagate_back
from nfedu.networks.made import MADE
from nfedu.parameters import Parameter, named


class MaskedAutoregressive(Bijection):
    r"""MAF: the density of x in one parallel pass, samples one coordinate after the other (N18).

    z_to_x: x_i = exp(α_i(x_{<i})) z_i + μ_i(x_{<i}),            log|det ∂x/∂z| = Σ α_i(x_{<i})
    x_to_z: z_i = (x_i − μ_i(x_{<i})) exp(−α_i(x_{<i})),         log|det ∂z/∂x| = −Σ α_i(x_{<i})

    μ_1 and α_1 are constants (M8). One MADE gives all μ and r from x at once; α = c ⊙ tanh(r), as in AffineCoupling,
    with its `bound`. "Before" is in the sense of `order`: coordinate order[0] comes first; 0 … n−1 unless given.
    `hidden`, `activation`, `degrees`, `rng`: of the MADE. `method` is how z_to_x goes about it, all exact, to rounding:

    - "cached": each hidden unit is computed once, when its inputs are there: about half a dense pass in all;
    - "naive": n whole passes;
    - "jacobi": whole passes over all coordinates until nothing moves, at most n (Song et al. 2021).

    Its backward has the cost of a cached pass and two density passes (to have the units' values again, and for the
    weights' gradients) whatever the method. Raises ValueError for n < 1, an order that is no permutation, and options
    that are none.
    Sources: Papamakarios et al. 2017, section 3; for caching Ramachandran et al. 2017.
    """

    def __init__(
        self,
        n: int,
        hidden: Sequence[int] = (64, 64),
        order: Any = None,
        *,
        activation: str = "relu",
        degrees: str | Sequence[Sequence[int]] = "sequential",
        bound: float | None = 1.0,
        method: str = "cached",
        rng: np.random.Generator,
    ) -> None:
        self.n, self.hidden, self.activation = as_dimension(n, self), as_widths(hidden, self), activation
        self.order = np.arange(self.n) if order is None else as_permutation(order, self, self.n)
        if method not in METHODS:
            raise ValueError(f"{type(self).__name__}: method = {method!r}, expected one of {sorted(METHODS)}")
        self.bound, self.method = bound, method
        self.place = np.argsort(self.order)
        self.net = MADE(self.n, self.hidden, 2, activation, degrees, rng=rng)
        self.degrees = [layer.tolist() for layer in self.net.degrees[1:-1]]  # as drawn, for a copy to have the same
        self.log_scale = LogScale(self.n, bound, self)

    @property
    def directions(self) -> tuple[str, str]:
        """A sample takes n steps."""
        return f"{self.n} steps", "one pass"

    def x_to_z(self, x: Array) -> Mapped:
        """Look at x, all of it at once: one pass."""
        x = as_batch(x, self.n, self, "x")[:, self.order]
        out, net_backward = self.net(x)
        mu, r = out[:, :, 0], out[:, :, 1]
        alpha, r_backward = self.log_scale(r)
        with np.errstate(over="ignore", invalid="ignore"):
            s = np.exp(-alpha)
            z = (x - mu) * s  # N18
        self.check(z, alpha)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_z = g_z[:, self.order]
            g_x = g_z * s
            g_alpha = -g_z * z - g_log_det[:, None]
            g_x = g_x + net_backward(np.stack((-g_x, r_backward(g_alpha)), axis=2))
            return g_x[:, self.place]

        return z[:, self.place], -over_columns(alpha), backward

    def z_to_x(self, z: Array) -> Mapped:
        """Make one coordinate after the other: each needs those before it."""
        z = as_batch(z, self.n, self, "z")
        dtype = np.result_type(z, self.net.weights[0].value)
        z = np.ascontiguousarray(z[:, self.order].T, dtype=dtype)  # (n, N): a coordinate is a row
        alpha = np.empty_like(z)

        def emit(i: int, out: Array) -> Array:
            alpha[i] = self.log_scale(out[1], i)[0]
            return np.exp(alpha[i]) * z[i] + out[0]  # N18

        with np.errstate(over="ignore", invalid="ignore"):
            x = METHODS[self.method](self.net, z.shape[1], z.dtype, emit)
        self.check(x.T, alpha.T)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            W = self.net.masked()
            h = self.net.activations(np.ascontiguousarray(x.T), W)
            r = self.net.linear(h[-1], W, len(h) - 1)[:, 1::2]
            s, g_z = np.exp(alpha), np.empty_like(z)

            def turn(i: int, g_xi: Array) -> tuple[Array, Array]:
                g_z[i] = g_xi * s[i]
                _, r_backward = self.log_scale(r[:, i], i)
                return g_xi, r_backward(g_z[i] * z[i] + g_log_det)  # of μ_i and of r_i

            propagate_back(self.net, h, g_x[:, self.order].T, turn)
            return g_z.T[:, self.place]

        return x.T[:, self.place], alpha.sum(axis=0), backward

    def check(self, out: Array, alpha: Array) -> None:
        """Raise NonFiniteError when a coordinate, (N, n) in the layer's order, has become infinite or NaN."""
        if np.isfinite(out).all() and np.isfinite(alpha).all():
            return
        i = int(np.flatnonzero(~(np.isfinite(out) & np.isfinite(alpha)).all(axis=0))[0])
        raise NonFiniteError(
            f"{type(self).__name__}: coordinate {self.order[i]}, step {i + 1} of {self.n}, is not finite; its "
            f"log-scales reach {np.nanmax(abs(alpha[:, i]), initial=0):.3g}"
            f"{' without a `bound`: give the layer one, ' if self.bound is None else ': give it a smaller `bound`, '}"
            "or look at the layer before it"
        )

    def parameters(self) -> dict[str, Parameter]:
        """Return the network's parameters, and the scale c of α if it is bounded."""
        return named(net=self.net) | self.log_scale.parameters()

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return a triangle in the layer's order: x_i depends on z_j, and z_i on x_j, only for j up to i."""
        pattern = np.where(np.tri(self.n, dtype=bool), np.nan, 0.0)[np.ix_(self.place, self.place)]
        return pattern, pattern


class InverseAutoregressive(Inverse):
    r"""IAF: samples in one parallel pass, the density of a given x one coordinate after the other (N19).

    z_to_x: x_i = exp(α_i(z_{<i})) z_i + μ_i(z_{<i}),            log|det ∂x/∂z| = Σ α_i(z_{<i})                 M9

    It is a MAF with z and x exchanged (N20): what MAF's x→z computes from x, IAF's z→x computes from z, with the same
    network. With m, a that network's answers at z, this reads x_i = (z_i − m_i) exp(−a_i): α = −a and μ = −m e^{−a}.
    Arguments, methods (here of x_to_z) and errors are MaskedAutoregressive's. Source: Kingma et al. 2016, section 3.
    """

    def __init__(
        self,
        n: int,
        hidden: Sequence[int] = (64, 64),
        order: Any = None,
        *,
        activation: str = "relu",
        degrees: str | Sequence[Sequence[int]] = "sequential",
        bound: float | None = 1.0,
        method: str = "cached",
        rng: np.random.Generator,
    ) -> None:
        options: dict[str, Any] = {"activation": activation, "degrees": degrees, "bound": bound, "method": method}
        maf = MaskedAutoregressive(n, hidden, order, **options, rng=rng)
        super().__init__(maf)
        self.hidden, self.order, self.activation, self.degrees = maf.hidden, maf.order, activation, maf.degrees
        self.bound = bound

    @property
    def method(self) -> str:
        """How x_to_z goes about it."""
        return self.maf.method

    @method.setter
    def method(self, method: str) -> None:
        self.maf.method = method

    @property
    def maf(self) -> MaskedAutoregressive:
        """The MAF whose directions are exchanged."""
        assert isinstance(self.bijection, MaskedAutoregressive)
        return self.bijection
