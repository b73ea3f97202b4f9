"""MintNet's network L: masked convolutions whose Jacobian is a triangle, and that triangle's diagonal (N23)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import prod
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.networks.convolution import correlate, kernel_gradient, neighbours, turned
from nfedu.parameters import Parameter, named

Gradients = Callable[[], tuple[list[Array], list[Array]]]  # of parameters, computed when they are asked for


class MintNetwork:
    """L(x) = t ⊙ x + Σ_i W3_i h(Σ_j W2_ij h(W1_j x + b1_j) + b2_i) + b3, with h = tanh and i, j = 1 … K.

    Feature maps are (channels, H·W·N), see `networks.convolution`. Learned: K1, b1, K2, b2, K3, b3 and log t; what is
    used of the kernels is `effective`.
    """

    def __init__(self, shape: tuple[int, ...], filters: int, rng: np.random.Generator) -> None:
        self.shape = shape
        C, K = shape[0], filters
        sizes = (1, K), (K, K), (K, 1)
        self.masks = [triangle(C, inputs, outputs) for inputs, outputs in sizes]
        self.same = [np.tile(np.eye(C, dtype=bool), size) for size in sizes]  # which centre taps stay in a channel
        fan_in = [max(1.0, mask.sum() / mask.shape[3]) for mask in self.masks]
        spread = [1 / np.sqrt(fan_in[0]), 1 / np.sqrt(fan_in[1]), 0.3 / np.sqrt(fan_in[2])]
        self.kernels = [
            Parameter(s * mask * rng.standard_normal(mask.shape)) for s, mask in zip(spread, self.masks, strict=True)
        ]
        self.biases = [Parameter(np.zeros(size)) for size in (C * K, C * K, C)]
        self.log_t = Parameter(np.zeros(prod(shape)))

    def __call__(self, x: Array) -> tuple[Array, Array, Callable[[Array, Array, bool], Array]]:
        """Return L(x), the diagonal of its Jacobian, (N, n) both, and the way back from gradients of both to that of x.

        The way back adds to the parameters' gradients when its third argument says so.
        """
        N, C = len(x), self.shape[0]
        kernels, signs = self.effective()
        t = np.exp(self.log_t.value)
        y, slopes, maps_back = self.convolve(to_maps(x, C), kernels)
        straight, diagonal_back = self.multiply_slopes(slopes, self.centres(kernels))

        def backward(g_z: Array, g_d: Array, learn: bool) -> Array:
            g_slopes, centre_gradients = diagonal_back(to_maps(g_d, C))
            g_x, gradients = maps_back(to_maps(g_z, C), g_slopes)
            if learn:
                self.log_t.grad += (g_z * x + g_d).sum(axis=0) * t
                g_kernels, g_biases = gradients()
                for g, g_centre in zip(g_kernels, centre_gradients(), strict=True):
                    g[1, 1] += g_centre
                g_kernels[1][1, 1] *= signs
                for kernel, mask, g in zip(self.kernels, self.masks, g_kernels, strict=True):
                    kernel.grad += g * mask.astype(g.dtype)
                for bias, g in zip(self.biases, g_biases, strict=True):
                    bias.grad += g
            return g_z * t + to_rows(g_x, N)

        return t * x + to_rows(y, N), t + to_rows(straight, N), backward

    def convolve(self, x: Array, kernels: Sequence[Array]) -> tuple[Array, tuple[Array, Array], Callable[..., Any]]:
        """Return y = Σ W3 h(Σ W2 h(W1 x + b1) + b2) + b3 as maps, h' at both places, and the way back.

        The way back takes the gradients of y and of both h', and returns that of x and a function that computes those
        of the kernels and biases.
        """
        H, W = self.shape[1:]
        b1, b2, b3 = (bias.value[:, None] for bias in self.biases)
        sides = lambda maps: neighbours(maps.reshape(len(maps), H, W, -1))  # noqa: E731
        h1 = np.tanh(correlate(sides(x), kernels[0], H) + b1)
        h2 = np.tanh(correlate(sides(h1), kernels[1], H) + b2)
        y = correlate(sides(h2), kernels[2], H) + b3
        s1, s2 = 1 - h1**2, 1 - h2**2  # h'

        def backward(g_y: Array, g_slopes: tuple[Array, Array]) -> tuple[Array, Gradients]:
            g_s1, g_s2 = g_slopes
            sides_y = sides(g_y)
            g_a2 = (correlate(sides_y, turned(kernels[2]), H) - 2 * h2 * g_s2) * s2  # h'' = −2 h h'
            sides_a2 = sides(g_a2)
            g_a1 = (correlate(sides_a2, turned(kernels[1]), H) - 2 * h1 * g_s1) * s1
            sides_a1 = sides(g_a1)

            def gradients() -> tuple[list[Array], list[Array]]:
                inputs, outputs = (x, h1, h2), (sides_a1, sides_a2, sides_y)
                g_kernels = [kernel_gradient(h, g, H) for h, g in zip(inputs, outputs, strict=True)]
                return g_kernels, [g.sum(axis=1) for g in (g_a1, g_a2, g_y)]

            return correlate(sides_a1, turned(kernels[0]), H), gradients

        return y, (s1, s2), backward

    def multiply_slopes(self, slopes: tuple[Array, Array], centres: tuple[Array, Array, Array]) -> tuple[Array, Any]:
        """Return Σ_ij w3_i h'(a2_i) w2_ij h'(a1_j) w1_j as maps (C, H·W·N), and the way back (N23).

        The way back takes its gradient and returns those of both h', and a function that computes the centre taps'.
        """
        (s1, s2), (w1, w2, w3) = slopes, centres
        w12 = w1[:, None] * w2
        inner = w12.T @ s1
        u = inner * s2

        def backward(g: Array) -> tuple[tuple[Array, Array], Callable[[], tuple[Array, Array, Array]]]:
            g_u = w3 @ g
            g_inner = g_u * s2

            def gradients() -> tuple[Array, Array, Array]:
                same1, same2, same3 = self.same
                g_w12 = s1 @ g_inner.T
                return same1 * (w2 * g_w12).sum(axis=1), same2 * (w1[:, None] * g_w12), same3 * (u @ g.T)

            return (w12 @ g_inner, g_u * inner), gradients

        return w3.T @ u, backward

    def effective(self) -> tuple[list[Array], Array]:
        """Return the kernels that are used, masked and with W2's centre taps re-signed, and what those are times."""
        kernels = [k.value * mask.astype(k.value.dtype) for k, mask in zip(self.kernels, self.masks, strict=True)]
        w1, w2, w3 = self.centres(kernels)
        sign = lambda w: np.where(w.real < 0, -1, 1)  # noqa: E731
        signs = np.where(self.same[1], sign(w1)[:, None] * sign(w3.sum(axis=1)) * sign(w2), 1).astype(w1.real.dtype)
        kernels[1][1, 1] *= signs
        return kernels, signs

    def centres(self, kernels: Sequence[Array]) -> tuple[Array, Array, Array]:
        """Return the centre taps from a channel to itself, 0 elsewhere: w1 (K·C,), w2 (K·C, K·C), w3 (K·C, C)."""
        w1, w2, w3 = (same * kernel[1, 1] for same, kernel in zip(self.same, kernels, strict=True))
        return w1.sum(axis=0), w2, w3

    def reach(self) -> Array:
        """Return Σ|W3| for each coordinate, (n,): as far as the network can take z_i from t_i x_i + b3: |h| ≤ 1."""
        _, H, W = self.shape
        return np.repeat(abs(self.effective()[0][2]).sum(axis=(0, 1, 2)), H * W)

    def parameters(self) -> dict[str, Parameter]:
        """Return K1, b1, K2, b2, K3, b3 and log t."""
        pairs = zip(self.kernels, self.biases, strict=True)
        layers = {name: p for i, (K, b) in enumerate(pairs, 1) for name, p in ((f"K{i}", K), (f"b{i}", b))}
        return named(**layers, log_t=self.log_t)


def triangle(C: int, inputs: int, outputs: int) -> Array:
    """Return the mask (3, 3, inputs·C, outputs·C) of a type A convolution: groups of C channels, each in order."""
    mask = np.zeros((3, 3, C, C))
    before = np.tri(C, C, -1).T  # [c', c] = 1 where c' < c
    mask[:] = before
    for dy, dx in ((0, 0), (0, 1), (0, 2), (1, 0), (1, 1)):  # the raster past, and the centre
        mask[dy, dx] += np.eye(C)
    return np.tile(mask, (1, 1, inputs, outputs))


def to_maps(x: Array, C: int) -> Array:
    """Return flattened images (N, n) as feature maps (C, H·W·N)."""
    return np.ascontiguousarray(x.T).reshape(C, -1)


def to_rows(maps: Array, N: int) -> Array:
    """Return feature maps (C, H·W·N) as flattened images (N, n)."""
    return np.ascontiguousarray(maps.reshape(-1, N).T)
