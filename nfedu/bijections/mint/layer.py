"""MintNet: a network of masked convolutions that is itself an invertible map (N23)."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Sequence
from math import prod

import numpy as np

from nfedu.arrays import Array, as_batch, as_generator, as_shape, is_whole
from nfedu.bijections.base import Bijection, Chain, Mapped
from nfedu.bijections.coordinates.permutations import Reverse
from nfedu.bijections.mint.network import MintNetwork
from nfedu.bijections.mint.triangular import by_coordinates, imaginary_part, iterate, solve_transposed
from nfedu.parameters import Parameter, cast
from nfedu.precision import ROWS, PrecisionWarning

TOLERANCE_IN_EPS = 40  # of the residual: what evaluating the network rounds


class MintLayer(Bijection):
    r"""x→z is a residual network of three masked 3×3 convolutions, triangular with a positive diagonal (N23).

    x_to_z: z = t ⊙ x + Σ_i W3_i h(Σ_j W2_ij h(W1_j x + b1_j) + b2_i) + b3,      i, j = 1 … K = `filters`, h = tanh
    diag ∂z/∂x = t + Σ_ij w3_i h'(a2_i) w2_ij h'(a1_j) w1_j,                     log|det ∂z/∂x| = Σ log diag
    z_to_x: x ← x + a (z − L(x)) / diag from x = z/t, a = `step`, until the residual is rounding; see `solve`

    The masks let channel c see the channels before it whole, and of itself the raster past and the centre: so z_i
    depends on x_j for j ≤ i only, and the diagonal is that of the centre taps w1, w2, w3 alone. It is positive since
    t = e^{log t} and the centre taps of W2 are used as sign(w3_i) sign(w1_j) |w2_ij|. So L jumps where a centre tap of
    W1 or W3 crosses 0: gradients are those of either side. Learned: K1, b1, K2, b2, K3, b3 and log_t.
    `shape` = (channels, height, width). Raises ValueError for a shape that is none, filters < 1, or a step
    outside 0 < a < 2.
    Source: Song, Meng & Ermon 2019, section 3.
    """

    def __init__(self, shape: Sequence[int], filters: int = 8, step: float = 1.0, *, rng: np.random.Generator) -> None:
        self.shape, self.n = as_shape(shape, self), prod(as_shape(shape, self))
        as_generator(rng, self)
        if not is_whole(filters, 1) or not 0 < step < 2:
            raise ValueError(f"MintLayer: filters = {filters}, step = {step}; expected an integer ≥ 1, 0 < step < 2")
        self.filters, self.step = filters, step
        self.network = MintNetwork(self.shape, filters, rng)

    @property
    def directions(self) -> tuple[str, str]:
        """The inverse is found by iteration."""
        return "iteration", "one pass"

    def x_to_z(self, x: Array) -> Mapped:
        """Apply the network: one pass."""
        x = as_batch(x, self.n, self, "x")
        z, d, back = self.network(x)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            return back(g_z, g_log_det[:, None] / d, True)

        return z, np.log(d).sum(axis=1), backward

    def z_to_x(self, z: Array) -> Mapped:
        """Solve L(x) = z; `backward` by the implicit function theorem (B8), not back through iterations."""
        z = as_batch(z, self.n, self, "z")
        x = self.solve(z)
        _, d, back = self.network(x)
        nothing = np.zeros_like(x)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g = g_x + back(nothing, -g_log_det[:, None] / d, True)  # what reaches x in all
            g_z = solve_transposed(lambda v: back(v, nothing, False), d, g)
            back(-g_z, nothing, True)  # ∂x/∂θ = −J⁻¹ ∂L/∂θ
            return g_z

        return x, -np.log(d).sum(axis=1), backward

    def solve(self, z: Array) -> Array:
        """Return x with L(x) = z, to rounding: by iteration, and rows where that fails by fronts, which ends.

        x is off by the residual times ‖J⁻¹‖: steep layers need float64. In float32 a few rows are solved in float64
        too, and a PrecisionWarning says by how much x is off. Raises ValueError with the residual when it stays above
        rounding.
        """
        if np.iscomplexobj(z) or np.iscomplexobj(self.network.log_t.value):
            real = copy.deepcopy(self)
            for p in real.parameters().values():
                p.value = p.value.real.copy()
            return imaginary_part(self.with_diagonal, z, real.solve(z.real), self.fronts())
        x, left, _ = self.iterate(z)
        if left.any():
            x[left] = self.by_coordinates(z[left])
        y, d = self.with_diagonal(x)
        residual = abs(z - y)
        limit = 50 * self.tolerance(z) + 4 * np.finfo(x.dtype).eps * d * abs(x)  # the second: what x itself resolves
        if not (residual <= limit).all():
            row, i = np.argwhere(~(residual <= limit))[0]
            raise ValueError(
                f"MintLayer: L(x) = z is solved with a residual of {residual[row, i]:.1e} only in row {row}, "
                f"coordinate {i}, expected {limit[row, i]:.1e}; use float64, or smaller weights"
            )
        if x.dtype == np.float32:
            self.warn_of_lost_digits(z[:ROWS], x[:ROWS])
        return x

    def warn_of_lost_digits(self, z: Array, x: Array) -> None:
        """Warn when a solution in float32, (N, n), is off by more than a thousand roundings of its largest entry."""
        try:
            exact = cast(self, np.float64).solve(z.astype(np.float64))
        except ValueError:  # then a residual of float32's size proves nothing either
            exact = np.full_like(x, np.inf)
        error = float(abs(x - exact).max() / max(1.0, abs(x).max()))
        if error > 1e3 * np.finfo(np.float32).eps:
            warnings.warn(
                f"MintLayer: in float32 x is off by {error:.1e} of its size, the residual's rounding times ‖J⁻¹‖; use "
                "flow.astype(np.float64), or smaller weights",
                PrecisionWarning, stacklevel=4,
            )  # fmt: skip

    def iterate(self, z: Array, step: float | None = None, most: int = 100) -> tuple[Array, Array, list[float]]:
        """Iterate from x = z/t, with the layer's step unless another is given; see `triangular.iterate`."""
        start = z / np.exp(self.network.log_t.value)
        step = self.step if step is None else step
        return iterate(self.with_diagonal, z, start, self.tolerance(z), step, most)

    def by_coordinates(self, z: Array) -> Array:
        """Solve front by front: z_i − t_i x_i is at most Σ|W3| from b3, so x is bracketed."""
        _, H, W = self.shape
        t = np.exp(self.network.log_t.value)
        centre, reach = (z - np.repeat(self.network.biases[2].value, H * W)) / t, self.network.reach() / t
        goal, groups = self.tolerance(z), self.fronts()
        return by_coordinates(self.with_diagonal, z, centre - reach, centre + reach, goal, groups)

    def fronts(self) -> list[Array]:
        """Return groups of coordinates, C (W + 2H − 2) of them, each of which depends on earlier groups alone.

        Of its own channel a pixel sees, d rows above, columns up to d to the right: each of the three convolutions goes
        one further at most where it goes up. So 2 · row + column of what it sees is less than its own.
        """
        C, H, W = self.shape
        front = np.add.outer(2 * np.arange(H), np.arange(W)).ravel()
        return [c * H * W + np.flatnonzero(front == k) for c in range(C) for k in range(front.max() + 1)]

    def tolerance(self, z: Array) -> Array:
        """Return the residual that counts as rounding, (N, n): by the size of each coordinate's own two terms."""
        return TOLERANCE_IN_EPS * np.finfo(z.dtype).eps * np.maximum(np.maximum(abs(z), self.network.reach()), 1.0)

    def with_diagonal(self, x: Array) -> tuple[Array, Array]:
        """Return L(x) and its diagonal."""
        return self.network(x)[:2]

    def parameters(self) -> dict[str, Parameter]:
        """Return K1, b1, K2, b2, K3, b3 and log t."""
        return self.network.parameters()

    def jacobian_pattern(self) -> tuple[Array, Array]:
        """Return a triangle, for both directions."""
        pattern = np.where(np.tri(self.n, dtype=bool), np.nan, 0.0)
        return pattern, pattern


class MintUnit(Chain):
    r"""A pair of MintLayers from x to z, the second with the order of all coordinates reversed (N23, types A and B).

    In the first, channel c sees the channels before it and its own raster past; in the second what comes after. So the
    pair's Jacobian is a product of triangles of both kinds. Arguments and errors are MintLayer's.
    """

    def __init__(self, shape: Sequence[int], filters: int = 8, step: float = 1.0, *, rng: np.random.Generator) -> None:
        self.shape, self.filters, self.step = as_shape(shape, self), filters, step
        first, second = (MintLayer(shape, filters, step, rng=rng) for _ in range(2))
        super().__init__([Reverse(first.n), second, Reverse(first.n), first])
