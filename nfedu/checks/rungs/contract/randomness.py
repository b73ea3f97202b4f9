"""What a layer may draw from: the states of all random generators."""

from __future__ import annotations

import pickle
import random

import numpy as np

from nfedu.checks.subject.contents import attributes


def randomness(layer: object) -> bytes:
    """Return the state of every random generator that a layer may draw from."""
    own = [repr(g.bit_generator.state) for g in generators(layer)]
    return pickle.dumps((np.random.get_state(), random.getstate(), own))  # noqa: NPY002 (a learner may use it)


def generators(thing: object, depth: int = 3) -> list[np.random.Generator]:
    """Return the generators that an object holds."""
    if isinstance(thing, np.random.Generator):
        return [thing]
    if depth == 0 or isinstance(thing, type | np.ndarray) or callable(thing):
        return []
    inner = thing if isinstance(thing, list | tuple) else attributes(thing).values()
    return [g for value in inner for g in generators(value, depth - 1)]
