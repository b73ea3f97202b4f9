"""Some of a layer's parameters as one vector, and the map's derivative by it."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.units import size_of
from nfedu.checks.subject.subject import Subject


class Packed:
    """Some of a layer's parameters as one vector."""

    def __init__(self, subject: Subject, names: list[str]) -> None:
        self.subject = subject
        self.shapes = {name: subject.parameters[name].value.shape for name in names}
        sizes = [subject.parameters[name].value.size for name in names]
        self.ends = np.cumsum(sizes)
        self.size = int(self.ends[-1])

    def flat(self, arrays: dict[str, Array]) -> Array:
        """Return the named arrays behind one another."""
        return np.concatenate([np.ravel(arrays[name]) for name in self.shapes])

    def split(self, vector: Array) -> dict[str, Array]:
        """Return the parts of a vector by name, in their shapes."""
        parts = np.split(vector, self.ends[:-1])
        return {name: part.reshape(shape) for part, (name, shape) in zip(parts, self.shapes.items(), strict=True)}

    def derivative(self, direction: str, y: Array, rng: np.random.Generator) -> Derivative:
        """Return the derivative of a direction's outputs and log-dets at `y` by these parameters."""
        subject = self.subject
        theta = {name: p.value for name, p in subject.parameters.items()}
        whole = {name: value + 0j for name, value in theta.items()}

        def values(vector: Array) -> Array:
            if np.iscomplexobj(vector):
                with subject.holding({**whole, **self.split(vector)}):
                    return subject.values(direction, y + 0j)
            with subject.holding(self.split(vector)):
                return subject.values(direction, y.copy())

        sizes = {name: size_of(theta[name]) for name in self.shapes}
        key = f"{direction}: {' '.join(self.shapes)}"
        derivative = Derivative(values, self.flat(theta), self.flat(sizes), rng, known=subject.analytic.get(key))
        subject.analytic.setdefault(key, derivative.analytic)
        return derivative


def signs(size: int, rng: np.random.Generator) -> Array:
    """Return numbers of either sign, none of them small."""
    return rng.choice([-1.0, 1.0], size) * rng.uniform(0.5, 1.5, size)
