"""A monotone curve for each coordinate, bent between knots: what gives a marginal several modes, wide or narrow."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array, as_batch, is_whole
from nfedu.bijections.base import Mapped
from nfedu.bijections.elementwise.base import Elementwise
from nfedu.parameters import Parameter, named

Knots = tuple[Array, Array, Array]  # along x, along z, and the slopes there, (n, K + 1) each
EVEN = 1e-4  # of 2B: no bin vanishes, which without a width would have no slope, without a height no inverse


class Spline(Elementwise):
    r"""A rational-quadratic spline: knots (a_k, b_k) with slopes d_k between −B and B, the identity outside.

    With w = a_{k+1} − a_k, h = b_{k+1} − b_k, s = h/w; of an x between two knots ξ = (x − a_k)/w and p = ξ(1 − ξ):

    x_to_z: z = b_k + h (s ξ² + d_k p)/D,             D = s + (d_k + d_{k+1} − 2s) p
            log|dz/dx| = 2 log s + log Q − 2 log D,   Q = d_{k+1} ξ² + 2 s p + d_k (1 − ξ)²
    z_to_x: ξ is a root of a quadratic equation, see `root`; x = a_k + w ξ, and log|dx/dz| the negative of that

    The curve and its slope are continuous; at ±B the slope is 1. Learned, for each coordinate: `widths` and `heights`,
    (n, K), whose softmaxes divide 2B among the K `bins` along x and along z, but for a share `EVEN` that all have in
    equal parts, and `slopes`, (n, K−1), the logarithms of d. At the start the map is the identity, with knots near the
    quantiles of a normal. `bound` is B. Raises ValueError for bins < 2 and a bound ≤ 0. Source: Durkan et al. 2019,
    section 3.1.
    """

    def __init__(self, n: int, bins: int = 16, bound: float = 4.0) -> None:
        super().__init__(n)
        if not is_whole(bins, 2) or not 0 < bound < np.inf:
            raise ValueError(f"Spline: bins = {bins!r}, bound = {bound!r}, expected a whole number ≥ 2, a number > 0")
        self.bins, self.bound = bins, float(bound)
        start = np.tile(np.log(spacings(bins, self.bound)), (self.n, 1))
        self.widths, self.heights = Parameter(start), Parameter(start)
        self.slopes = Parameter(np.zeros((self.n, bins - 1)))

    def x_to_z(self, x: Array) -> Mapped:
        """Follow the curve."""
        x = as_batch(x, self.n, self, "x")
        knots, knots_backward = self.knots()
        z, log_slope, curve_backward = curve(x, knots, self.bound)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            g_x, g_knots = curve_backward(g_z, g_log_det[:, None])
            knots_backward(g_knots)
            return g_x

        return z, log_slope.sum(axis=1), backward

    def z_to_x(self, z: Array) -> Mapped:
        """Find where the curve has the height z; a solution is differentiated by the equation that it solves."""
        z = as_batch(z, self.n, self, "z")
        knots, knots_backward = self.knots()
        x = root(z, knots, self.bound)
        _, log_slope, curve_backward = curve(x, knots, self.bound)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            g_log_slope = -g_log_det[:, None]
            g_z = (g_x + curve_backward(np.zeros_like(g_x), g_log_slope)[0]) * np.exp(-log_slope)  # B8
            knots_backward(curve_backward(-g_z, g_log_slope)[1])
            return g_z

        return x, -log_slope.sum(axis=1), backward

    def knots(self) -> tuple[Knots, Callable[[Knots], None]]:
        """Return the knots, and `backward`, which adds the parameters' gradients."""
        (a, a_backward), (b, b_backward) = divided(self.widths, self.bound), divided(self.heights, self.bound)
        d = np.pad(np.exp(self.slopes.value), ((0, 0), (1, 1)), constant_values=1)

        def backward(g: Knots) -> None:
            a_backward(g[0])
            b_backward(g[1])
            self.slopes.grad += g[2][:, 1:-1] * d[:, 1:-1]

        return (a, b, d), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return what says where the knots are, and the slopes there."""
        return named(widths=self.widths, heights=self.heights, slopes=self.slopes)


def curve(x: Array, knots: Knots, bound: float) -> tuple[Array, Array, Callable[[Array, Array], tuple[Array, Knots]]]:
    """Return z, log dz/dx, and `backward`, which takes their gradients to those of x and of the knots."""
    k, inside = bins_of(x, knots[0], bound)
    (a, b, d0), (a1, b1, d1) = at(knots, k), at(knots, k + 1)
    w, h = a1 - a, b1 - b
    xi = np.where(inside, (x - a) / w, 0.5)
    s, p = h / w, xi * (1 - xi)
    N, D = s * xi**2 + d0 * p, s + (d0 + d1 - 2 * s) * p
    Q = d1 * xi**2 + 2 * s * p + d0 * (1 - xi) ** 2
    z = np.where(inside, b + h * N / D, x)
    log_slope = np.where(inside, 2 * np.log(s) + np.log(Q) - 2 * np.log(D), 0)

    def backward(g_z: Array, g: Array) -> tuple[Array, Knots]:
        g_in, g = np.where(inside, g_z, 0), np.where(inside, g, 0)
        g_N, g_Q = g_in * h / D, g / Q
        g_D = -g_N * N / D - 2 * g / D
        g_d0 = g_N * p + g_D * p + g_Q * (1 - xi) ** 2
        g_d1 = g_D * p + g_Q * xi**2
        g_s = g_N * xi**2 + g_D * (1 - 2 * p) + 2 * g_Q * p + 2 * g / s
        g_p = g_N * d0 + g_D * (d0 + d1 - 2 * s) + g_Q * 2 * s
        g_xi = g_N * 2 * s * xi + g_Q * 2 * (d1 * xi - d0 * (1 - xi)) + g_p * (1 - 2 * xi)
        g_h = g_in * N / D + g_s / w
        g_w = -(g_s * s + g_xi * xi) / w
        g_left, g_right = (-g_xi / w - g_w, g_in - g_h, g_d0), (g_w, g_h, g_d1)  # a, b, d at either end
        return np.where(inside, g_xi / w, g_z), scattered(g_left, g_right, k, knots[0].shape[1] - 1)

    return z, log_slope, backward


def root(z: Array, knots: Knots, bound: float) -> Array:
    """Return the x of each z, with ξ by sums of what is ≥ 0, which lose no digits.

    With η = (z − b_k)/h, r = d_k (1 − η) − d_{k+1} η and m = |r| + √(r² + 4 s² η (1 − η)): ξ is to 1 − ξ as 2 s η is to
    m where r ≥ 0, and as m is to 2 s (1 − η) where r < 0.
    """
    k, inside = bins_of(z, knots[1], bound)
    (a, b, d0), (a1, b1, d1) = at(knots, k), at(knots, k + 1)
    w, h = a1 - a, b1 - b
    s, eta, rest = h / w, np.where(inside, (z - b) / h, 0.5), np.where(inside, (b1 - z) / h, 0.5)
    r = d0 * rest - d1 * eta
    falls = r.real < 0
    m = np.where(falls, -r, r) + np.sqrt(r**2 + 4 * s**2 * eta * rest)
    left, right = np.where(falls, m, 2 * s * eta), np.where(falls, 2 * s * rest, m)
    return np.where(inside, a + w * left / (left + right), z)


def bins_of(y: Array, places: Array, bound: float) -> tuple[Array, Array]:
    """Return between which places each entry lies, and whether it lies between the ends."""
    k = (y.real[:, :, None] >= places.real[:, 1:-1]).sum(axis=2)
    return k, (y.real > -bound) & (y.real < bound)


def at(knots: Knots, k: Array) -> list[Array]:
    """Return the k-th knots of each coordinate, (N, n) each."""
    return [values[np.arange(k.shape[1]), k] for values in knots]


def scattered(left: tuple[Array, ...], right: tuple[Array, ...], k: Array, bins: int) -> Knots:
    """Return the knots' gradients, sums over the rows, from those of the left and of the right end of each bin met."""
    g_ends = np.stack([g.T for g in (*left, *right)], axis=1)  # (n, 6, N)
    sums = g_ends @ (k.T[:, :, None] == np.arange(bins)).astype(g_ends.dtype)  # (n, 6, K)
    g = np.pad(sums[:, :3], ((0, 0), (0, 0), (0, 1))) + np.pad(sums[:, 3:], ((0, 0), (0, 0), (1, 0)))
    return g[:, 0], g[:, 1], g[:, 2]


def divided(share: Parameter, bound: float) -> tuple[Array, Callable[[Array], None]]:
    """Return places from −B to B, (n, K + 1), as far apart as shares say, and `backward`, which adds the gradient."""
    e = np.exp(share.value - share.value.real.max(axis=1, keepdims=True))
    q = e / e.sum(axis=1, keepdims=True)
    inner = 2 * bound * np.cumsum((1 - EVEN) * q[:, :-1] + EVEN / q.shape[1], axis=1) - bound
    places = np.pad(inner, ((0, 0), (1, 1)), constant_values=(-bound, bound))

    def backward(g: Array) -> None:
        g_right = np.pad(np.cumsum(g[:, -2:0:-1], axis=1)[:, ::-1], ((0, 0), (0, 1)))  # of all places to its right
        g_q = 2 * bound * (1 - EVEN) * g_right
        share.grad += q * (g_q - (q * g_q).sum(axis=1, keepdims=True))

    return places, backward


def spacings(bins: int, bound: float) -> Array:
    """Return the distances of −B, the quantiles of a normal, and B."""
    from scipy.special import ndtri

    quantiles = ndtri(np.arange(1, bins) / bins)
    return np.diff(np.r_[-bound, bound * quantiles / -ndtri(0.5 / bins), bound])
