"""MADE one coordinate at a time: three ways to solve x_i = g_i(x_{<i}), and the way back through the solution.

Arrays are (units, N) here: what belongs to one degree is a few neighbouring rows. `emit(i, out)` is told what the
network answers for coordinate i, (outputs, N), and returns x_i, (N,).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.networks.counting import product
from nfedu.networks.made import MADE

Emit = Callable[[int, Array], Array]


def cached(net: MADE, N: int, dtype: np.dtype, emit: Emit) -> Array:
    """Return x (n, N), each hidden unit computed once: as soon as the coordinates that it may see are there.

    Degrees are taken in blocks: first what all earlier degrees give to a block's units, in one large product a layer;
    then, degree by degree, what units within the block give to each other.
    """
    W, b = [p.value for p in net.weights], [p.value[:, None] for p in net.biases]
    upto, last = net.upto, len(net.weights) - 1
    h = [np.empty((len(degrees), N), dtype) for degrees in net.degrees[:-1]]
    a = [np.empty((len(degrees), N), dtype) for degrees in net.degrees[1:]]
    for first, stop in net.degree_blocks:
        for layer in range(last + 1):
            units, seen = slice(upto[layer + 1][first], upto[layer + 1][stop]), upto[layer][first]
            a[layer][units] = product(W[layer][:seen, units].T, h[layer][:seen])
            a[layer][units] += b[layer][units]
        for d in range(first + 1, stop + 1):
            out = add_within(W, h, a, upto, last, first, d, d - 1)  # outputs for d see degrees < d
            h[0][d - 1] = emit(d - 1, out)
            for layer in range(last):
                if upto[layer + 1][d] > upto[layer + 1][d - 1]:
                    units = slice(upto[layer + 1][d - 1], upto[layer + 1][d])
                    h[layer + 1][units] = net.phi(add_within(W, h, a, upto, layer, first, d, d))
    return h[0]


def add_within(
    W: list[Array], h: list[Array], a: list[Array], upto: list[list[int]], layer: int, first: int, d: int, reach: int
) -> Array:
    """Add to the units of degree d what units of degrees first+1 … reach of the layer below give; return them."""
    start, stop = upto[layer][first], upto[layer][reach]
    units = slice(upto[layer + 1][d - 1], upto[layer + 1][d])
    sums = a[layer][units]
    if stop > start:
        sums += product(W[layer][start:stop, units].T, h[layer][start:stop])
    return sums


def naive(net: MADE, N: int, dtype: np.dtype, emit: Emit) -> Array:
    """Return x (n, N) by n whole passes, of which each keeps one coordinate: what the notes describe."""
    x = np.zeros((N, net.n), dtype)
    for i in range(net.n):
        x[:, i] = emit(i, net(x)[0][:, i].T)
    return x.T


def jacobi(net: MADE, N: int, dtype: np.dtype, emit: Emit) -> Array:
    """Return x (n, N) by passes that renew all coordinates at once, until they move by rounding only; n suffice.

    After k passes the first k coordinates are exact, since each depends on earlier ones alone.
    """
    x = np.zeros((N, net.n), dtype)
    tolerance = 4 * np.finfo(dtype).eps
    for left in range(net.n - 1, -1, -1):
        out = net(x)[0]
        renewed = np.stack([emit(i, out[:, i].T) for i in range(net.n)], axis=1)
        still = (abs(renewed - x) <= tolerance * abs(renewed)).all()
        x = renewed
        if still and dtype.kind != "c":  # a complex step's imaginary parts are far below any tolerance
            break
        if left:  # a guess that overflowed may be any number: ∞ times a masked 0 would spoil the exact ones
            x[~np.isfinite(x)] = 0
    return x.T


METHODS = {"cached": cached, "naive": naive, "jacobi": jacobi}


def propagate_back(
    net: MADE, activations: list[Array], g_x: Array, turn: Callable[[int, Array], tuple[Array, ...]]
) -> None:
    """Go back through a solution x: from the last coordinate to the first, each unit once; add the weights' gradients.

    `activations`: (N, units), what `net.activations` gives at x. `g_x`: (n, N), the loss's own gradient with respect to
    x. When all that later coordinates add to g_{x_i} is there, `turn(i, g_xi)` returns the gradients of the outputs for
    i, (N,) each. It is a triangular system, solved as `cached` solves the one of the values.
    """
    W, upto, last = [p.value for p in net.weights], net.upto, len(net.weights) - 1
    h = [np.ascontiguousarray(layer.T) for layer in activations]
    slope = [h[0], *(net.phi_slope(layer) for layer in h[1:])]
    g_h = [g_x.copy(), *(np.zeros_like(layer) for layer in h[1:])]  # of the units' values
    g_a = [np.zeros((len(degrees), h[0].shape[1]), g_x.dtype) for degrees in net.degrees[1:]]  # of their sums
    for first, stop in reversed(net.degree_blocks):
        for layer in range(last + 1):
            units, later = slice(upto[layer][first], upto[layer][stop]), upto[layer + 1][stop]
            g_h[layer][units] += product(W[layer][units, later:], g_a[layer][later:])
        for d in range(stop, first, -1):
            for layer in range(last, -1, -1):
                units = slice(upto[layer][d - 1], upto[layer][d])
                reach = slice(upto[layer + 1][d if layer == last else d - 1], upto[layer + 1][stop])
                if units.stop > units.start and reach.stop > reach.start:
                    g_h[layer][units] += product(W[layer][units, reach], g_a[layer][reach])
                if layer > 0:
                    np.multiply(g_h[layer][units], slope[layer][units], out=g_a[layer - 1][units])
            g_a[last][upto[-1][d - 1] : upto[-1][d]] = turn(d - 1, g_h[0][d - 1])
    for layer in range(last + 1):
        net.accumulate(layer, activations[layer], g_a[layer].T)
