"""Gradient descent by hand: both optimizers change a flat vector theta in place, given its gradient."""

from __future__ import annotations

from typing import Any, Protocol
from weakref import WeakKeyDictionary, ref

import numpy as np

from nfedu.arrays import Array
from nfedu.parameters import HasParameters, Parameter

BLOCK = 65_536  # entries treated at a time, so that the passes of an Adam step stay in the cache


class Optimizer(Protocol):
    """Anything that improves theta in place."""

    learning_rate: float

    def step(self, theta: Array, grad: Array) -> None:
        """Change `theta` in place, given the gradient of the loss."""


class SGD:
    """Gradient descent with momentum: v ← ρ v − η g, θ ← θ + v. It starts anew when it is given another θ."""

    def __init__(self, learning_rate: float = 1e-2, momentum: float = 0.0) -> None:
        self.learning_rate, self.momentum = positive(learning_rate, "learning_rate"), fraction(momentum, "momentum")
        self.velocity = np.zeros(0)

    def step(self, theta: Array, grad: Array) -> None:
        """Change `theta` in place."""
        if self.velocity.shape != theta.shape or is_new(self, theta):
            self.velocity = np.zeros_like(theta)
        self.velocity *= self.momentum
        self.velocity -= self.learning_rate * grad
        theta += self.velocity


class Adam:
    """Adam: each entry's step is scaled by the size of its recent gradients (Kingma & Ba 2015, algorithm 1).

    m ← β₁ m + (1−β₁) g,  v ← β₂ v + (1−β₂) g²,  θ ← θ − η m̂ / (√v̂ + ε),  with m̂ = m/(1−β₁ᵗ), v̂ = v/(1−β₂ᵗ).
    It starts anew when it is given another θ.
    """

    def __init__(
        self, learning_rate: float = 1e-3, beta1: float = 0.9, beta2: float = 0.999, epsilon: float = 1e-8
    ) -> None:
        self.learning_rate = positive(learning_rate, "learning_rate")
        self.beta1, self.beta2 = fraction(beta1, "beta1"), fraction(beta2, "beta2")
        self.epsilon = positive(epsilon, "epsilon")
        self.t = 0
        self.m = self.v = np.zeros(0)

    def step(self, theta: Array, grad: Array) -> None:
        """Change `theta` in place."""
        if self.m.shape != theta.shape or is_new(self, theta):
            self.t, self.m, self.v = 0, np.zeros_like(theta), np.zeros_like(theta)
        self.t += 1
        root = float(np.sqrt(1 - self.beta2**self.t))  # √v̂ = √v / root, so η m̂ / (√v̂ + ε) = rate · m / (√v + ε · root)
        rate, epsilon = self.learning_rate * root / (1 - self.beta1**self.t), self.epsilon * root
        kept = np.empty(min(BLOCK, theta.size), theta.dtype)
        for start in range(0, theta.size, BLOCK):
            block = slice(start, start + BLOCK)
            g, m, v = grad[block], self.m[block], self.v[block]
            change = kept[: len(g)]
            np.subtract(g, m, out=change)
            change *= 1 - self.beta1
            m += change
            np.multiply(g, g, out=change)
            change -= v
            change *= 1 - self.beta2
            v += change
            np.sqrt(v, out=change)
            change += epsilon
            np.divide(m, change, out=change)
            change *= rate
            theta[block] -= change


def as_optimizer(optimizer: Any, owner: str) -> Optimizer:
    """Return the optimizer, Adam() for None, or raise ValueError when it is none, such as a class or a name."""
    optimizer = Adam() if optimizer is None else optimizer
    if isinstance(optimizer, type) or not hasattr(optimizer, "step"):
        raise ValueError(f"{owner}: optimizer = {optimizer!r}, expected an optimizer such as nfedu.Adam(1e-3)")
    return optimizer


def annealed(rate: float, done: float) -> float:
    """Return the learning rate when a share `done` of training is over: half a cosine (Loshchilov & Hutter 2017)."""
    return float(rate * 0.5 * (1 + np.cos(np.pi * done)))


_theta_of: WeakKeyDictionary[Any, ref[Array]] = WeakKeyDictionary()  # which θ each optimizer improves


def is_new(optimizer: Optimizer, theta: Array) -> bool:
    """Return whether the optimizer has improved another θ up to now; from here on it is this one's."""
    known = _theta_of.get(optimizer)
    last = None if known is None else known()
    if last is theta:
        return False
    belongs_to(optimizer, theta)
    return known is not None and not (last is not None and same_memory(last, theta))


def belongs_to(optimizer: Optimizer, theta: Array) -> None:
    """Say whose moments they are that an optimizer holds."""
    _theta_of[optimizer] = ref(theta)


def same_memory(a: Array, b: Array) -> bool:
    """Return whether two arrays of one shape are views of the same numbers."""
    return a.__array_interface__["data"] == b.__array_interface__["data"] and a.strides == b.strides


def matrices_of(module: HasParameters) -> list[Parameter]:
    """Return what weight decay shrinks: all matrices; biases, shifts and scales are left alone."""
    return [p for p in module.parameters().values() if p.value.ndim > 1]


def shrink(matrices: list[Parameter], share: float) -> None:
    """Take a share of them away, apart from the gradient (Loshchilov & Hutter 2019)."""
    for p in matrices:
        p.value *= 1 - share


def fraction(value: float, name: str) -> float:
    """Return `value`, or raise ValueError unless 0 ≤ value < 1."""
    if not 0 <= value < 1:
        raise ValueError(f"{name} = {value!r}, expected 0 ≤ {name} < 1")
    return float(value)


def positive(value: float, name: str) -> float:
    """Return `value`, or raise ValueError unless it is a finite number > 0."""
    if not (np.isfinite(value) and value > 0):
        raise ValueError(f"{name} = {value!r}, expected a finite number > 0")
    return float(value)
