"""What a layer makes of points: the latents that it takes, and the data that they are images of."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

DOMAINS = {  # where latents may lie, tried in this order
    "z ~ N(0, 1)": lambda rng, shape: rng.standard_normal(shape),
    "z in (0, 1)": lambda rng, shape: rng.uniform(0.03, 0.97, shape),
    "z > 0": lambda rng, shape: np.exp(rng.standard_normal(shape)),
    "z in (−1, 1)": lambda rng, shape: rng.uniform(-0.97, 0.97, shape),
    "z < 0": lambda rng, shape: -np.exp(rng.standard_normal(shape)),
    "z > 1": lambda rng, shape: 1 + np.exp(rng.standard_normal(shape)),
}


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
