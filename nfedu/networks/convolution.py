"""The conditioner for images: 3×3 convolutions in residual blocks, as matrix products, with backpropagation by hand.

Feature maps are kept as (C, H, W, N): channels outermost, the images of a batch innermost. Then a pixel's neighbours
lie a fixed step away, left and right N numbers, above and below W·N, and every pass goes along rows as long as the
batch has pixels. The neighbours to both sides are laid out (`neighbours`: a third of what im2col copies), and one large
matrix product gives what a row of pixels adds to the rows below, at and above it.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array, as_generator, is_whole
from nfedu.networks.mlp import activation_named
from nfedu.parameters import Parameter, named

Backpropagation = Callable[[Array], Array]


def neighbours(x: Array) -> Array:
    """Return (left, centre, right) of every pixel, 0 beyond the edge: (C, H, W, N) → (3C, H·W·N)."""
    sides = np.empty((3, *x.shape), x.dtype)
    sides[0, :, :, 0] = sides[2, :, :, -1] = 0
    sides[0, :, :, 1:] = x[:, :, :-1]
    sides[1] = x
    sides[2, :, :, :-1] = x[:, :, 1:]
    return sides.reshape(3 * len(x), -1)


def correlate(sides: Array, kernel: Array, height: int) -> Array:
    """Return Σ_{dy,dx} K[dy, dx]ᵀ x[i+dy−1, j+dx−1], (D, H·W·N), from `neighbours(x)` and K, (3, 3, C, D)."""
    D, row = kernel.shape[3], sides.shape[1] // height
    above, here, below = (kernel.transpose(0, 3, 1, 2).reshape(3 * D, -1) @ sides).reshape(3, D, -1)
    here[:, row:] += above[:, :-row]
    here[:, :-row] += below[:, row:]
    return here


def kernel_gradient(x: Array, sides_of_g: Array, height: int) -> Array:
    """Return the gradient of K in `correlate(neighbours(x), K, height)`, (3, 3, C, D), from x as (C, H·W·N).

    `sides_of_g`: `neighbours` of the result's gradient g. To add x's right neighbour is to hand g to the left.
    """
    row = x.shape[1] // height
    above, here, below = sides_of_g[:, row:] @ x[:, :-row].T, sides_of_g @ x.T, sides_of_g[:, :-row] @ x[:, row:].T
    return np.stack((above, here, below)).reshape(3, 3, -1, len(x))[:, ::-1].swapaxes(2, 3)


def turned(K: Array) -> Array:
    """Return K turned by half a turn, its channels exchanged: correlating with it takes gradients back to the input."""
    return np.ascontiguousarray(K[::-1, ::-1].swapaxes(2, 3))


class Convolution:
    """A 3×3 convolution, stride 1, zeros beyond the edge: (C, H, W, N) → (D, H, W, N).

    Learned: `K` (3, 3, C, D) = (dy, dx, in, out), started at `scale` times N(0, 2/9C), and the bias `b` (D,).
    """

    def __init__(self, channels: int, filters: int, scale: float = 1.0, *, rng: np.random.Generator) -> None:
        spread = scale * np.sqrt(2 / (9 * channels))
        self.K = Parameter(spread * rng.standard_normal((3, 3, channels, filters)))
        self.b = Parameter(np.zeros(filters))

    def __call__(self, x: Array) -> tuple[Array, Backpropagation]:
        """Return the feature maps, and `backward` from their gradient to that of x."""
        C, H, W, N = x.shape
        y = correlate(neighbours(x), self.K.value, H) + self.b.value[:, None]

        def backward(g: Array) -> Array:
            sides = neighbours(g)
            self.b.grad += g.reshape(len(g), -1).sum(axis=1)
            self.K.grad += kernel_gradient(x.reshape(C, -1), sides, H)
            return correlate(sides, turned(self.K.value), H).reshape(x.shape)

        return y.reshape(-1, H, W, N), backward

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
        _, H, W = self.shape
        h, first_backward = self.first(self.image(y_a, self.given))
        h += self.place.value.reshape(H, W, -1).transpose(2, 0, 1)[..., None]
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
            g_h = last_backward(self.image(g, self.missing))
            g_h *= self.phi_slope(a)
            for a_block, one_backward, b_block, two_backward in reversed(blocks):
                g_b = two_backward(g_h)
                g_b *= self.phi_slope(b_block)
                g_a = one_backward(g_b)
                g_a *= self.phi_slope(a_block)
                g_h += g_a
            self.place.grad += g_h.sum(axis=3).transpose(1, 2, 0).ravel()
            return self.pixels(first_backward(g_h), self.given)

        return self.pixels(y, self.missing) + self.bias.value, backward

    def image(self, values: Array, places: Array) -> Array:
        """Return feature maps (K·C, H, W, N) with K numbers at each of the places, (N, K·places), and 0 elsewhere."""
        N, (C, H, W) = len(values), self.shape
        given = values.T.reshape(-1, len(places), N)
        maps = np.zeros((len(given), C * H * W, N), values.dtype)
        maps[:, places] = given
        return maps.reshape(-1, H, W, N)

    def pixels(self, maps: Array, places: Array) -> Array:
        """Return what stands at the places of feature maps (K·C, H, W, N), (N, K·places): the transpose of `image`."""
        C, H, W = self.shape
        N = maps.shape[3]
        return np.ascontiguousarray(maps.reshape(-1, C * H * W, N)[:, places].reshape(-1, N).T)

    def parameters(self) -> dict[str, Parameter]:
        """Return those of all convolutions, and the two biases by place."""
        inner = {f"inner{i}": convolution for i, convolution in enumerate(self.inner)}
        return named(first=self.first, place=self.place, **inner, last=self.last, bias=self.bias)
