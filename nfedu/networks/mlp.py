"""The plain conditioner: a multilayer perceptron, x → W_L φ(… φ(W_1 x + b_1) …) + b_L, with backpropagation by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from nfedu.analytic import softplus
from nfedu.arrays import Array, as_generator, as_widths, name_of, over_rows
from nfedu.parameters import Parameter


def relu(a: Array) -> Array:
    """Return max(a, 0), in the place of `a`."""
    zeros = np.zeros(a.shape[-1], a.dtype)  # a row: with the number 0 NumPy takes more than twice as long
    return np.maximum(a, zeros, out=a)


def relu_slope(h: Array) -> Array:
    """Return 1 where h > 0."""
    return h.real > 0


def tanh(a: Array) -> Array:
    """Return tanh a, in the place of `a`."""
    return np.tanh(a, out=a)


def tanh_slope(h: Array) -> Array:
    """Return 1 − tanh²."""
    return 1 - h**2


def softplus_slope(h: Array) -> Array:
    """Return σ(a) = 1 − e⁻ʰ."""
    return -np.expm1(-h)


# Each activation φ, and its derivative written as a function of the *output* h = φ(a), so that a is not kept.
ACTIVATIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "relu": (relu, relu_slope),
    "tanh": (tanh, tanh_slope),
    "softplus": (softplus, softplus_slope),
}


def activation_named(name: str, owner: object) -> tuple[Callable[[Array], Array], Callable[[Array], Array]]:
    """Return φ, which may work in place, and φ' as a function of φ's output; ValueError for a name that is none."""
    if name not in ACTIVATIONS:
        raise ValueError(f"{name_of(owner)}: activation = {name!r}, expected one of {sorted(ACTIVATIONS)}")
    return ACTIVATIONS[name]


class MLP:
    """A fully connected network from `n_in` to `n_out` numbers with `hidden` layers of the given widths.

    Weights are kept as (inputs, outputs), for rows of points: h_{l+1} = φ(h_l W_l + b_l). Hidden weights start as
    N(0, 2/fan-in) (He et al. 2015), and so do hidden biases: were they 0, then for a single input all kinks of the
    first layer would lie at 0. The last weights start at `output_scale` times N(0, 1/fan-in), so that a fresh coupling
    is close to the identity but not stuck at it. An empty `hidden` gives a linear map. Its `backward` multiplies by the
    transpose of the Jacobian that N12 means (M5): by B2 and B3, from the last layer to the first.
    """

    def __init__(
        self,
        n_in: int,
        hidden: Sequence[int],
        n_out: int,
        activation: str = "relu",
        *,
        output_scale: float = 0.1,
        rng: np.random.Generator,
    ) -> None:
        as_generator(rng, self)
        self.phi, self.phi_slope = activation_named(activation, self)
        sizes = [n_in, *as_widths(hidden, self), n_out]
        spread = [np.sqrt(2 / fan_in) for fan_in in sizes[:-2]] + [output_scale / np.sqrt(sizes[-2])]
        self.weights = [
            Parameter(s * rng.standard_normal((i, o))) for s, i, o in zip(spread, sizes, sizes[1:], strict=False)
        ]
        self.biases = [Parameter(s * rng.standard_normal(o)) for s, o in zip(spread[:-1], sizes[1:], strict=False)]
        self.biases.append(Parameter(np.zeros(n_out)))

    def __call__(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return the outputs (N, n_out), and `backward`, which takes their gradient and returns that of x (N, n_in)."""
        last = len(self.weights) - 1
        inputs, y = [], x
        for layer, (W, b) in enumerate(zip(self.weights, self.biases, strict=True)):
            inputs.append(y)
            y = np.dot(y, W.value)  # what @ is, which takes many times as long for a single column
            y += b.value
            if layer < last:
                y = self.phi(y)

        def backward(g: Array) -> Array:
            for layer in range(last, -1, -1):
                W, b, h = self.weights[layer], self.biases[layer], inputs[layer]
                W.grad += h.T @ g
                b.grad += over_rows(g)
                g = g @ W.value.T
                if layer > 0:
                    g *= self.phi_slope(h)  # h = φ(a) came out of the layer before
            return g

        return y, backward

    def parameters(self) -> dict[str, Parameter]:
        """Return W0, b0, W1, b1 and so on."""
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        return {name: p for i, (W, b) in pairs for name, p in ((f"W{i}", W), (f"b{i}", b))}
