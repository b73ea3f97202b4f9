"""Parameters at another setting, and the data that go with it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.units import size_of
from nfedu.checks.probes.images import images
from nfedu.checks.subject.subject import Subject

MOVES = (0.1, 0.01)  # of a parameter's size: at a scale of 1, a shift of 0 or a matrix I many mistakes do not show


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
