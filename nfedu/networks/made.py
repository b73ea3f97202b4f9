"""MADE: a masked network whose i-th outputs see the inputs before i only, with units sorted so that masks are blocks.

Each unit has a degree: input i has i, a hidden unit the number of inputs it may see, and the outputs for coordinate i
have i. A hidden unit of degree k sees units of degrees ≤ k, an output those of degrees < i (Germain et al. 2015,
section 4). With units sorted by degree every mask is block triangular. A matrix product likes few and large pieces
better than few multiply-adds, so wide layers only are cut: into blocks of columns, each multiplied down to where its
deepest column ends, and on the way back into blocks of rows, each from where its first row begins.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise

import numpy as np

from nfedu.arrays import Array, as_dimension, as_generator, as_widths, over_rows
from nfedu.networks.counting import product
from nfedu.networks.mlp import activation_named
from nfedu.parameters import Parameter

DEGREES = 8  # at least so many are taken together when coordinates come one by one
WIDTH = 128  # units in a block of columns, at least


class CapacityWarning(UserWarning):
    """A network cannot express what its kind promises."""


class MADE:
    """From (N, n) to (N, n, outputs): row i of the result depends on coordinates 1 … i−1 alone; row 1 is constant.

    `hidden`: widths of 0 to any number of layers. `degrees`: "sequential" gives hidden unit k the degree (k mod (n−1))
    + 1, spread evenly in a layer narrower than n−1, "random" draws it from `rng`, those missing in place of those drawn
    twice, and lists, one a layer, give them all; sorted in each case. A layer of n−1 units or more has every degree, so
    that each output sees all inputs before it; of narrower ones a CapacityWarning says what is lost. Weights are
    (inputs, outputs), all kept, though those that a mask forbids never count; they start as an MLP's, with the fan-in
    that the mask leaves.
    """

    def __init__(
        self,
        n: int,
        hidden: Sequence[int],
        outputs: int,
        activation: str = "relu",
        degrees: str | Sequence[Sequence[int]] = "sequential",
        *,
        output_scale: float = 0.1,
        rng: np.random.Generator,
    ) -> None:
        self.n, self.outputs = as_dimension(n, self), outputs
        self.phi, self.phi_slope = activation_named(activation, self)
        hidden = as_widths(hidden, self)
        as_generator(rng, self)
        inputs = np.arange(1, n + 1)
        self.degrees = [inputs, *hidden_degrees(degrees, hidden, n, rng), np.repeat(inputs, outputs)]
        self.warn_of_lost_dependencies(hidden)
        upto = [np.searchsorted(degrees, np.arange(n + 1), "right") for degrees in self.degrees]
        self.upto = [counts.tolist() for counts in upto]  # [layer][d]: units of degree ≤ d
        size = max(DEGREES, -(-n // 32))
        self.degree_blocks = [(first, min(first + size, n)) for first in range(0, n, size)]
        self.weights: list[Parameter] = []
        self.biases: list[Parameter] = []
        self.masks: list[Array] = []
        last = len(hidden)
        for layer in range(last + 1):
            mask = self.mask(layer)
            fan_in = np.maximum(mask.sum(axis=0), 1)
            spread = np.sqrt(2 / fan_in) if layer < last else output_scale / np.sqrt(fan_in)
            self.weights.append(Parameter(mask * spread * rng.standard_normal(mask.shape)))
            self.biases.append(Parameter((layer < last) * spread * rng.standard_normal(mask.shape[1])))
            self.masks.append(mask.astype(np.float32))  # times numbers: booleans would be converted at each call
        self.columns, self.rows = [columns_of(mask) for mask in self.masks], [rows_of(mask) for mask in self.masks]

    def warn_of_lost_dependencies(self, hidden: tuple[int, ...]) -> None:
        """Warn when hidden layers are too narrow, or their degrees too few, for outputs to see all inputs before."""
        pairs, n = lost(self.degrees[1:-1], self.n), self.n
        if pairs:
            i, j = pairs[0]
            warnings.warn(
                f"MADE: hidden = {hidden} cuts {len(pairs)} of {n * (n - 1) // 2} dependencies, the first of them "
                f"coordinate {i - 1} on {j - 1}, from 0 in its order; give each hidden layer {n - 1} units or more",
                CapacityWarning,
                stacklevel=3,
            )

    def mask(self, layer: int) -> Array:
        """Return the mask of a layer's weights, (inputs, outputs): True where the degrees allow a connection.

        `incremental`, which goes degree by degree, relies on this very rule.
        """
        above, below = self.degrees[layer + 1], self.degrees[layer]
        reach = above if layer < len(self.degrees) - 2 else above - 1  # the outputs for i see degrees < i
        return below[:, None] <= reach

    def __call__(self, x: Array) -> tuple[Array, Callable[[Array], Array]]:
        """Return y (N, n, outputs), and `backward`, which takes its gradient and returns that of x (N, n)."""
        N, W = len(x), self.masked()
        inputs = self.activations(x, W)
        y = self.linear(inputs[-1], W, len(W) - 1)

        def backward(g: Array) -> Array:
            g = g.reshape(N, -1)
            for layer in range(len(W) - 1, -1, -1):
                if layer < len(W) - 1:
                    g *= self.phi_slope(inputs[layer + 1])
                self.accumulate(layer, inputs[layer], g)
                g = self.transposed(g, W, layer)
            return g

        return y.reshape(N, self.n, self.outputs), backward

    def masked(self) -> list[Array]:
        """Return W ∘ mask for all layers: once a call, for the products of both its passes."""
        return [W.value * mask for W, mask in zip(self.weights, self.masks, strict=True)]

    def activations(self, x: Array, W: list[Array]) -> list[Array]:
        """Return the inputs of all layers: x, then what each hidden layer gives."""
        h = [x]
        for layer in range(len(W) - 1):
            h.append(self.phi(self.linear(h[-1], W, layer)))
        return h

    def linear(self, h: Array, W: list[Array], layer: int) -> Array:
        """Return h (W ∘ mask) + b."""
        y = np.empty((len(h), W[layer].shape[1]), np.result_type(h, W[layer]))
        for units, depth in self.columns[layer]:
            product(h[:, :depth], W[layer][:depth, units], out=y[:, units])
        y += self.biases[layer].value
        return y

    def transposed(self, g: Array, W: list[Array], layer: int) -> Array:
        """Return g (W ∘ mask)ᵀ."""
        g_h = np.empty((len(g), W[layer].shape[0]), np.result_type(g, W[layer]))
        for units, first in self.rows[layer]:
            product(g[:, first:], W[layer][units, first:].T, out=g_h[:, units])
        return g_h

    def accumulate(self, layer: int, h: Array, g: Array) -> None:
        """Add the gradients of a layer's weights and biases, given its inputs and the gradient of its outputs."""
        W, b, mask = self.weights[layer], self.biases[layer], self.masks[layer]
        b.grad += over_rows(g)
        for units, depth in self.columns[layer]:
            here = slice(depth), units
            change = product(h[:, :depth].T, g[:, units])
            change *= mask[here]
            W.grad[here] += change

    def parameters(self) -> dict[str, Parameter]:
        """Return W0, b0, W1, b1 and so on."""
        pairs = enumerate(zip(self.weights, self.biases, strict=True))
        return {name: p for i, (W, b) in pairs for name, p in ((f"W{i}", W), (f"b{i}", b))}


def hidden_degrees(
    degrees: str | Sequence[Sequence[int]], hidden: Sequence[int], n: int, rng: np.random.Generator
) -> list[Array]:
    """Return the degrees of all hidden units, sorted within each layer; a ValueError for a request that is none."""
    most = max(n - 1, 1)
    if degrees == "sequential":  # a layer that is too narrow for all degrees has them evenly spread
        return [np.sort(np.arange(w) % most + 1 if w >= most else np.arange(w) * most // w + 1) for w in hidden]
    if degrees == "random":
        return [np.sort(complete(rng.integers(1, most + 1, width), most)) for width in hidden]
    given = [] if isinstance(degrees, str) else [np.sort(np.asarray(layer)) for layer in degrees]
    fits = [len(layer) for layer in given] == list(hidden) and not isinstance(degrees, str)
    if not fits or any(layer.dtype.kind not in "iu" or layer[0] < 1 or layer[-1] > most for layer in given):
        raise ValueError(
            f"MADE: degrees = {degrees!r}, expected 'sequential', 'random', or for each hidden layer of widths "
            f"{tuple(hidden)} a list of that many integers 1 … {most}"
        )
    return given


def complete(drawn: Array, most: int) -> Array:
    """Return degrees as drawn, but for those drawn twice and more, which give way to those not drawn, up to `most`."""
    missing = np.setdiff1d(np.arange(1, most + 1), drawn)
    twice = np.setdiff1d(np.arange(len(drawn)), np.unique(drawn, return_index=True)[1])
    count = min(len(missing), len(twice))
    drawn[twice[:count]] = missing[:count]
    return drawn


def lost(degrees: Sequence[Array], n: int) -> list[tuple[int, int]]:
    """Return which (output i, input j), j < i, no path joins: each layer needs a degree from j to i − 1, in order."""
    pairs = []
    for j in range(1, n):
        least = j  # the smallest degree by which input j can have come so far
        for layer in degrees:
            above = layer[layer >= least]
            least = int(above.min()) if above.size else n
        pairs += [(i, j) for i in range(j + 1, min(least, n) + 1)]
    return pairs


def columns_of(mask: Array) -> list[tuple[slice, int]]:
    """Cut a mask into blocks of columns; return for each (columns, rows): only its first so many rows hold a True."""
    rows = mask.sum(axis=0)
    return [(block, int(rows[block.stop - 1])) for block in cut(len(rows))]


def rows_of(mask: Array) -> list[tuple[slice, int]]:
    """Cut a mask into blocks of rows; return for each (rows, column): all that is True lies from that column on."""
    first = mask.shape[1] - mask.sum(axis=1)
    return [(block, int(first[block.start])) for block in cut(len(first))]


def cut(units: int) -> list[slice]:
    """Return slices of at least WIDTH units, or one of all."""
    edges = np.linspace(0, units, max(1, units // WIDTH) + 1).astype(int).tolist()
    return [slice(*edge) for edge in pairwise(edges)]
