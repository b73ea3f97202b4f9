"""The conditioner for images: 3×3 convolutions in residual blocks, as matrix products, with backpropagation by hand.

Feature maps are kept as (H, N, W, C): the image's rows outermost, its channels innermost. Then the three neighbours in
a row are 3C numbers to lay side by side (`neighbours`: a third of what im2col copies), the rows above and below are
slices of that, and a 3×3 convolution is three large matrix products.
"""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array, as_generator, is_whole
from nfedu.networks.mlp import activation_named
from nfedu.parameters import Parameter, named

Backpropagation = Callable[[Array], Array]


def neighbours(x: Array) -> Array:
    """Return (left, centre, right) of every pixel, 0 beyond the edge: (H, N, W, C) → (H·N·W, 3C)."""
    H, N, W, C = x.shape
    rows = np.empty((H, N, W, 3, C), x.dtype)
    rows[:, :, 0, 0] = rows[:, :, -1, 2] = 0
    rows[:, :, 1:, 0] = x[:, :, :-1]
    rows[:, :, :, 1] = x
    rows[:, :, :-1, 2] = x[:, :, 1:]
    return rows.reshape(H * N * W, 3 * C)


def correlate(rows: Array, kernel: Array, height: int) -> Array:
    """Return Σ_{dy,dx} x[i+dy−1, j+dx−1] K[dy, dx], (H·N·W, D), from `neighbours(x)` and K, (3, 3, C, D)."""
    above, here, below = kernel.reshape(3, -1, kernel.shape[3])
    row = len(rows) // height  # entries of one row of all images
    y = rows @ here
    y[row:] += rows[:-row] @ above
    y[:-row] += rows[row:] @ below
    return y


def kernel_gradient(rows: Array, g: Array, height: int) -> Array:
    """Return the gradient of K in `correlate(rows, K, height)`, (3, 3, C, D), given that of its result, (H·N·W, D)."""
    row = len(rows) // height
    parts = rows[:-row].T @ g[row:], rows.T @ g, rows[row:].T @ g[:-row]
    return np.stack(parts).reshape(3, 3, -1, g.shape[1])


def turned(K: Array) -> Array:
    """Return K turned by half a turn, its channels exchanged: correlating with it takes gradients back to the input."""
    return np.ascontiguousarray(K[::-1, ::-1].swapaxes(2, 3))


class Convolution:
    """A 3×3 convolution, stride 1, zeros beyond the edge: (H, N, W, C) → (H, N, W, D).

    Learned: `K` (3, 3, C, D) = (dy, dx, in, out), started at `scale` times N(0, 2/9C), and the bias `b` (D,).
    """

    def __init__(self, channels: int, filters: int, scale: float = 1.0, *, rng: np.random.Generator) -> None:
        spread = scale * np.sqrt(2 / (9 * channels))
        self.K = Parameter(spread * rng.standard_normal((3, 3, channels, filters)))
        self.b = Parameter(np.zeros(filters))

    def __call__(self, x: Array) -> tuple[Array, Backpropagation]:
        """Return the feature maps, and `backward` from their gradient to that of x."""
        H, N, W, _ = x.shape
        K, D = self.K.value, self.K.value.shape[3]
        y = correlate(neighbours(x), K, H)
        y += self.b.value

        def backward(g: Array) -> Array:
            g_flat = g.reshape(H * N * W, D)
            self.b.grad += np.ones(len(g_flat), g.dtype) @ g_flat  # a product sums long columns faster than sum does
            self.K.grad += kernel_gradient(neighbours(x), g_flat, H)  # laid out anew: cheaper than to keep it
            return correlate(neighbours(g), turned(K), H).reshape(x.shape)

        return y.reshape(H, N, W, D), backward

    def parameters(self) -> dict[str, Parameter]:
        """Return K and b."""
        return named(K=self.K, b=self.b)


class ConvNet:
    """A residual network from the pixels of an image that pass to `outputs` numbers for each pixel that does not.

    h = conv(image) + place, the pixels that do not pass set to 0; then `blocks` times h ← h + conv(φ(conv(φ(h)))); then
    y = conv(φ(h)) + bias, read off where pixels are missing. `place`, a number for each pixel and filter, and `bias`,
    one for each output, tell one pixel from another, which convolutions do not: in centred images they differ.
    `passes`: booleans (C, H, W). The last convolution of each block and of the network starts at `output_scale`: small,
    so that a fresh coupling is close to the identity.
    """

    def __init__(
        self,
        passes: Array,
        outputs: int,
        filters: int = 32,
        blocks: int = 2,
        activation: str = "tanh",
        *,
        output_scale: float = 0.1,
        rng: np.random.Generator,
    ) -> None:
        self.phi, self.phi_slope = activation_named(activation, self)
        if not (is_whole(filters, 1) and is_whole(blocks, 0)):
            raise ValueError(
                f"ConvNet: filters = {filters}, blocks = {blocks}, expected integers, filters ≥ 1, blocks ≥ 0"
            )
        as_generator(rng, self)
        self.shape, self.outputs = passes.shape, outputs
        C, H, W = self.shape
        self.given, self.missing = np.flatnonzero(passes), np.flatnonzero(~passes)
        self.first = Convolution(C, filters, rng=rng)
        self.place = Parameter(np.zeros(H * W * filters))
        scales = [1.0, output_scale] * blocks
        self.inner = [Convolution(filters, filters, scale, rng=rng) for scale in scales]  # two a block
        self.last = Convolution(filters, outputs * C, output_scale, rng=rng)
        self.bias = Parameter(np.zeros(outputs * len(self.missing)))

    def __call__(self, y_a: Array) -> tuple[Array, Backpropagation]:
        """Return (N, outputs · missing), and `backward`, which takes its gradient to that of the pixels (N, given)."""
        h, first_backward = self.first(self.image(y_a[:, None], self.given))
        h += self.place.value.reshape(h[:, :1].shape)
        blocks = []
        for one, two in zip(self.inner[::2], self.inner[1::2], strict=True):
            a = self.phi(h.copy())
            b, one_backward = one(a)
            b = self.phi(b)
            c, two_backward = two(b)
            h += c
            blocks.append((a, one_backward, b, two_backward))
        a = self.phi(h)
        y, last_backward = self.last(a)

        def backward(g: Array) -> Array:
            self.bias.grad += g.sum(axis=0)
            g_h = last_backward(self.image(g.reshape(len(g), self.outputs, -1), self.missing))
            g_h *= self.phi_slope(a)
            for a_block, one_backward, b_block, two_backward in reversed(blocks):
                g_b = two_backward(g_h)
                g_b *= self.phi_slope(b_block)
                g_a = one_backward(g_b)
                g_a *= self.phi_slope(a_block)
                g_h += g_a
            self.place.grad += g_h.sum(axis=1).ravel()
            return self.pixels(first_backward(g_h), self.given)

        return self.pixels(y, self.missing) + self.bias.value, backward

    def image(self, values: Array, places: Array) -> Array:
        """Return feature maps (H, N, W, K·C) with K numbers, (N, K, places), at each of the places, and 0 elsewhere."""
        N, K, _ = values.shape
        C, H, W = self.shape
        maps = np.zeros((N, K, C * H * W), values.dtype)
        maps[:, :, places] = values
        return np.ascontiguousarray(maps.reshape(N, K * C, H, W).transpose(2, 0, 3, 1))

    def pixels(self, maps: Array, places: Array) -> Array:
        """Return what stands at the places of feature maps (H, N, W, K·C), (N, K·places): the transpose of `image`."""
        N, n = maps.shape[1], math.prod(self.shape)
        return maps.transpose(1, 3, 0, 2).reshape(N, -1, n)[:, :, places].reshape(N, -1)

    def parameters(self) -> dict[str, Parameter]:
        """Return those of all convolutions, and the two biases by place."""
        inner = {f"inner{i}": convolution for i, convolution in enumerate(self.inner)}
        return named(first=self.first, place=self.place, **inner, last=self.last, bias=self.bias)
