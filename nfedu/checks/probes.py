"""Where to look at a layer: points in several regions, parameters at two settings, each only where it allows them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.units import size_of
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

ROWS = 40  # points of the wider regions, and the largest batch
FAR = (8.0, 30.0)
MOVES = (0.1, 0.01)  # of a parameter's size: at a scale of 1, a shift of 0 or a matrix I many mistakes do not show
DOMAINS = {  # where latents may lie, tried in this order
    "z ~ N(0, 1)": lambda rng, shape: rng.standard_normal(shape),
    "z in (0, 1)": lambda rng, shape: rng.uniform(0.03, 0.97, shape),
    "z > 0": lambda rng, shape: np.exp(rng.standard_normal(shape)),
    "z in (−1, 1)": lambda rng, shape: rng.uniform(-0.97, 0.97, shape),
    "z < 0": lambda rng, shape: -np.exp(rng.standard_normal(shape)),
    "z > 1": lambda rng, shape: 1 + np.exp(rng.standard_normal(shape)),
}


def images_of_latents(layer: Any, rng: np.random.Generator, count: int) -> Array:
    """Return data points (count, n) of a layer: the images of latents; normal numbers where there are none."""
    draws = rng.standard_normal((count, layer.n))
    try:
        subject = Subject(layer)
        z, _ = latents(subject, count, rng)
        x = images(subject, "z_to_x", z)
    except Trouble as trouble:
        if trouble.hung:
            raise
        return draws
    return draws if x is None else x


def images(subject: Subject, direction: str, y: Array) -> Array | None:
    """Return the outputs at `y`, or None when the layer does not map all of these points to finite ones."""
    try:
        out = np.array(subject.values(direction, y.copy())[:, :-1])
    except Trouble as trouble:
        if trouble.hung:
            raise
        return None
    return out if out.dtype.kind == "f" and np.isfinite(out).all() else None


def latents(subject: Subject, count: int, rng: np.random.Generator) -> tuple[Array, str]:
    """Return `count` latents where the layer maps latents to something finite, and the name of the domain."""
    shape = (count, subject.n)
    for name, draw in DOMAINS.items():
        z = draw(rng, shape)
        if images(subject, "z_to_x", z) is not None:
            return z, name
    return rng.standard_normal(shape), "z ~ N(0, 1)"  # the rungs will say what is wrong


def accepted(subject: Subject, direction: str, y: Array) -> Array:
    """Return the rows of `y` that a direction maps to finite numbers, all at once, or else one by one."""
    whole = images(subject, direction, y)
    if whole is not None:
        return y
    kept = [row for row in y if images(subject, direction, row[None]) is not None]
    return np.array(kept).reshape(-1, subject.n)


def breakdown(subject: Subject, direction: str, y: Array) -> Trouble | None:
    """Return what one of the rows of `y` does to the layer's code, where that is no way to refuse a point."""
    if images(subject, direction, y) is None:
        for row in y:
            try:
                subject.call(direction, row[None].copy())
            except Trouble as trouble:
                if trouble.broken:
                    return trouble
    return None


def regions(z: Array, rng: np.random.Generator) -> dict[str, Array]:
    """Return batches of latents where faults like to hide, around the base latents `z` (M, n)."""
    n = z.shape[1]
    sign = rng.choice([-1.0, 1.0], (ROWS, n))
    one = z[rng.integers(len(z), size=ROWS)].copy()  # one coordinate somewhere else, the others where they were
    one[np.arange(ROWS), rng.integers(n, size=ROWS)] = rng.uniform(-4.5, 4.5, ROWS)
    tails = z[rng.integers(len(z), size=8)].copy()
    tails[np.arange(8), np.arange(8) % n] = np.repeat(FAR, 4) * np.tile([1.0, -1.0], 4)
    return {
        "of all sizes": sign * 10 ** rng.uniform(-3, 0.8, (ROWS, n)),
        "one coordinate in [−4.5, 4.5]": one,
        "far out, at ±8 and ±30": np.concatenate([tails, rng.choice(FAR, (4, n)) * sign[:4]]),
    }


@contextmanager
def moved(subject: Subject, x: Array, rng: np.random.Generator) -> Iterator[tuple[Array, str]]:
    """Move the parameters, for a while; yield data that are where the moved layer puts the same latents.

    Each entry moves by a tenth of its own size, an entry that is 0 by a tenth of its parameter's; by a hundredth where
    the layer does not stand that, and not at all where it does not stand this either. The second result says which.
    """
    own = {name: np.array(p.value) for name, p in subject.parameters.items()}
    z = images(subject, "x_to_z", x)
    draws = {name: rng.uniform(0.5, 1.5, v.shape) * rng.choice([-1.0, 1.0], v.shape) for name, v in own.items()}
    if z is None or not own:
        yield x, "parameters as given"
        return
    for move in MOVES:
        there = {name: v + move * size_of(v) * draws[name] for name, v in own.items()}
        with subject.holding(there):
            y = images(subject, "z_to_x", z)
            if y is not None and images(subject, "x_to_z", y) is not None:
                yield y, f"parameters moved by {move:.0%}"
                return
    yield x, "parameters as given"
