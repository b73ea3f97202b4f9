"""How many digits a layer can have (B10): what its results do when its input and its parameters move by a few ulps.

A flow that stretches by 1e6 loses six digits, rightly written or not; so a tolerance is a few ε of the result's own
size and a multiple of this. It does not hide what float32 loses: a change of 1e-15 does not show there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.plain import EPS
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Gradients, Subject

ULPS = 4.0
SAFETY = 30.0
EXACT = 1e-12  # of a result's size: what sums in another order may change


@contextmanager
def nudged(subject: Subject, y: Array, rng: np.random.Generator) -> Iterator[Array]:
    """Move the parameters by a few ulps for a while, and yield the points moved by as much."""
    values = {
        name: p.value * (1 + ULPS * EPS * rng.uniform(-1, 1, p.value.shape)) for name, p in subject.parameters.items()
    }
    with subject.holding(values):
        yield y * (1 + ULPS * EPS * rng.uniform(-1, 1, y.shape))


def rounding_of(
    subject: Subject, y: Array, result: Callable[[Array], Array], rng: np.random.Generator, times: int = 2
) -> Array:
    """Return, entry by entry, what rounding may do to `result(y)`: SAFETY times what a few ulps do to it."""
    exact = result(y)
    worst = np.zeros(exact.shape)
    for _ in range(times):
        try:
            with nudged(subject, y, rng) as nearby:
                change = abs(result(nearby) - exact)
        except Trouble:  # at the edge of its domain
            continue
        worst = np.maximum(worst, np.where(np.isfinite(change), change, 0))
    return SAFETY * worst


def tolerance_of(subject: Subject, direction: str, y: Array, rng: np.random.Generator) -> Array:
    """Return how far two right computations of output and log-det at `y` may differ, (N, n + 1)."""
    values = subject.values(direction, y)
    size = np.maximum(abs(values), np.median(abs(values), axis=0))
    size[:, -1] = np.maximum(size[:, -1], subject.n)  # a log-det adds n terms
    return EXACT * size + rounding_of(subject, y, lambda v: subject.values(direction, v), rng)


def gradient_noise(
    subject: Subject, direction: str, y: Array, g_out: Array, g_log_det: Array, rng: np.random.Generator
) -> Gradients:
    """Return what rounding may do to the results of backward."""

    def flat(v: Array) -> Array:
        g_in, grads = subject.gradients(subject.call(direction, v)[2], g_out, g_log_det)
        return np.concatenate([g_in.ravel(), *(g.ravel() for g in grads.values())])

    noise = rounding_of(subject, y, flat, rng)
    g_in, start, grads = noise[: y.size].reshape(y.shape), y.size, {}
    for name, p in subject.parameters.items():
        grads[name] = noise[start : start + p.value.size].reshape(p.value.shape)
        start += p.value.size
    return g_in, grads
