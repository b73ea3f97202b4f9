"""A parameter's wrong gradient, entry by entry: which pattern it has."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.gradient import of_gradient
from nfedu.checks.diagnosis.versions import Gradients
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.rungs.gradient.halves import Halves

CALLS = 160  # of backward with unit vectors, to see how


def block_around(entry: int, shape: tuple[int, ...], most: int) -> list[Array]:
    """Return for each axis of a parameter the indices to look at, at most `most` in all, `entry`'s among them."""
    block = [np.arange(length) for length in shape]
    place = np.unravel_index(entry, shape) if shape else ()
    while np.prod([len(axis) for axis in block], initial=1) > most:
        longest = max(range(len(block)), key=lambda a: len(block[a]))
        axis, half = block[longest], max(1, len(block[longest]) // 2)
        block[longest] = axis[:half] if place[longest] in axis[:half] else axis[half:]
    return block


def entry_by_entry(
    halves: Halves, name: str, derivative: Derivative, block: list[Array], rng: np.random.Generator
) -> Gradients:
    """Return both versions of a parameter's derivatives, for some rows and outputs, and a block of entries."""
    value = halves.subject.parameters[name].value
    N, n = halves.y.shape
    outputs = np.arange(n + 1) if n <= 12 else np.append(rng.choice(n, 12, replace=False), n)
    rows = np.arange(N)[: max(3, CALLS // len(outputs))]
    shape = tuple(len(axis) for axis in block)
    given, expected, unsure = np.zeros((3, len(rows), len(outputs), *shape))
    for a, r in enumerate(rows):
        for b, k in enumerate(outputs):
            weight = np.zeros((N, n + 1))
            weight[r, k] = 1
            of_one = halves.of(weight)[name]
            given[a, b] = of_one[np.ix_(*block)] if block else of_one
    for index in np.ndindex(shape):
        place = tuple(int(axis[i]) for axis, i in zip(block, index, strict=True))
        v = np.zeros(value.size)
        v[int(np.ravel_multi_index(place, value.shape)) if place else 0] = 1
        D, U = halves.differentiated(derivative, v)
        expected[:, :, *index], unsure[:, :, *index] = D[np.ix_(rows, outputs)], U[np.ix_(rows, outputs)]
    largest = abs(expected).max(axis=tuple(range(2, expected.ndim)), keepdims=True) if shape else abs(expected)
    tolerance = 1e-9 * abs(expected) + 1e-10 * largest + 3 * np.where(np.isfinite(unsure), unsure, 1e300) + 1e-14
    return Gradients(given, expected, tolerance, block=block)


def name_it(g: Gradients, block: list[Array], rows: int) -> tuple[str, str, str]:
    """Return cause, words and the worst entry of a parameter's wrong gradient."""
    if not g.wrong.any():
        return "wrong-term", "wrong along random directions, in entries or rows not looked at one by one", ""
    cause, words = of_gradient(g, rows)
    error = np.where(g.wrong, abs(g.given - g.expected), 0)
    r, k, *index = (int(i) for i in np.unravel_index(np.argmax(error), error.shape))
    place = [int(axis[i]) for axis, i in zip(block, index, strict=True)]
    output = "log_det" if k == g.given.shape[1] - 1 else f"output {k}"
    got, right = g.given[r, k, *index], g.expected[r, k, *index]
    ratio = f", ratio {got / right:.6g}" if right else ""
    return cause, words, f"worst: entry {place}, for {output} of row {r}: got {got:.9g}, expected {right:.9g}{ratio}"
