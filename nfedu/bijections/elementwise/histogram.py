"""From the line to numbers whose density has steps: what a column needs where single numbers hold much of its rows."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.analytic import sigmoid, softplus
from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Mapped
from nfedu.bijections.elementwise.base import Elementwise
from nfedu.bijections.elementwise.functions import check_inside

POWER = 4.0  # with which a tail falls


class Histogram(Elementwise):
    r"""x = F⁻¹(σ(z)), z = logit F(x): F is the cumulative histogram with masses m_k between edges e_k and e_{k+1}.

    Within a bin F = F_k + s_k (x − e_k), with s_k = m_k/(e_{k+1} − e_k). A mass more than there are bins lies in a tail
    beyond the last edge e_K, 1 − F = m_K (1 + (x − e_K)/τ)⁻⁴, whose mean is τ/3 off that edge (Lomax 1954).

    x_to_z: log|dz/dx| = log F′ − log F − log(1 − F);   z_to_x: the negative of that

    So a z that is logistic makes an x of exactly this density, and data that jump at the edges are smooth in z. Nothing
    is learned. `edges`: (K+1,), increasing; `masses`: K, or K+1 with a `tail` τ > 0, all > 0 and taken as shares of
    their sum. Raises ValueError for others, and for x off the bins and the tail.
    """

    def __init__(self, n: int, edges: Any, masses: Any, tail: float | None = None) -> None:
        super().__init__(n)
        self.edges, self.masses, self.tail = np.asarray(edges, float), np.asarray(masses, float), tail
        bins = len(self.edges) - 1
        right = np.isfinite(self.edges).all() and (np.diff(self.edges) > 0).all() and (self.masses > 0).all()
        if not right or bins < 1 or len(self.masses) != bins + (tail is not None) or not (tail is None or tail > 0):
            raise ValueError(
                f"Histogram: edges = {edges}, masses = {masses}, tail = {tail}, expected edges that increase, a mass > "
                "0 for each bin between, and with a tail > 0 one more"
            )
        shares = self.masses / self.masses.sum()
        self.below = np.concatenate([[0.0], shares.cumsum()])[: bins + 1]  # F at the edges
        self.above = np.concatenate([shares[::-1].cumsum()[::-1], [0.0]])[: bins + 1]  # 1 − F there
        self.slopes = shares[:bins] / np.diff(self.edges)

    def x_to_z(self, x: Array) -> Mapped:
        """Take F, and its logit."""
        x = as_batch(x, self.n, self, "x")
        ends = self.edges[0], np.inf if self.tail else self.edges[-1]
        check_inside(x, *ends, self, "choose edges around all data")
        k = bin_of(x.real, self.edges)
        e, e1, F, G, s = self.bins(k, x)
        u, v = F + (x - e) * s, G + (e1 - x) * s  # F, and 1 − F with its own digits
        far = x.real > self.edges[-1]
        if self.tail:
            v = np.where(far, self.stretch(x, far) ** -POWER * float(self.above[-1]), v)
            u = np.where(far, 1 - v, u)
        log_slope, curvature = self.slope(x, u, v, s, far)

        def backward(g_z: Array, g_log_det: Array) -> Array:
            return g_z * np.exp(log_slope) + g_log_det[:, None] * curvature

        return np.log(u) - np.log(v), log_slope.sum(axis=1), backward

    def z_to_x(self, z: Array) -> Mapped:
        """Find where F is σ(z)."""
        z = as_batch(z, self.n, self, "z")
        u, v = sigmoid(z), sigmoid(-z)
        k = bin_of(u.real, self.below)
        e, e1, F, G, s = self.bins(k, z)
        x = np.where(u.real < 0.5, e + (u - F) / s, e1 - (v - G) / s)
        far = v.real < self.above[-1]
        if self.tail:
            log_q = float(np.log(self.above[-1]))  # of all that lies in the tail
            x = np.where(far, np.expm1((softplus(np.where(far, z, 0)) + log_q) / POWER) * self.tail + e1, x)
        log_slope, curvature = self.slope(x, u, v, s, far)

        def backward(g_x: Array, g_log_det: Array) -> Array:
            return (g_x - g_log_det[:, None] * curvature) * np.exp(-log_slope)  # B8

        return x, -log_slope.sum(axis=1), backward

    def bins(self, k: Array, like: Array) -> tuple[Array, ...]:
        """Return of bins: their edges, F at the left one, 1 − F at the right one and F′, of one dtype."""
        kept = self.edges[k], self.edges[k + 1], self.below[k], self.above[k + 1], self.slopes[k]
        return tuple(values.astype(like.dtype) for values in kept)

    def stretch(self, x: Array, far: Array) -> Array:
        """Return 1 + (x − e_K)/τ of what lies in the tail, 1 elsewhere."""
        return np.where(far, 1 + (x - float(self.edges[-1])) / float(self.tail or 1), 1)

    def slope(self, x: Array, u: Array, v: Array, s: Array, far: Array) -> tuple[Array, Array]:
        """Return log dz/dx and its derivative by x, at F = u and 1 − F = v."""
        t, bend = self.stretch(x, far), np.zeros_like(x)
        if self.tail:
            s = np.where(far, POWER * v / (self.tail * t), s)
            bend = np.where(far, -(POWER + 1) / (self.tail * t), 0)
        return np.log(s) - np.log(u) - np.log(v), bend - s / u + s / v


def bin_of(y: Array, edges: Array) -> Array:
    """Return in which bin each entry lies, the last one for what lies beyond."""
    return np.clip(np.searchsorted(edges, y, side="right") - 1, 0, len(edges) - 2)
