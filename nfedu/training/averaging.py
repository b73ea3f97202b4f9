"""A running mean of θ, which forgets the noise of single steps."""

from __future__ import annotations

from nfedu.arrays import Array


class RunningMean:
    """θ̄ ← β θ̄ + (1 − β) θ after each step, a plain mean at first: the start is forgotten sooner.

    With β = 0 it is the last θ. Source: Polyak & Juditsky 1992.
    """

    def __init__(self, theta: Array, beta: float) -> None:
        self.theta, self.beta = theta.copy(), beta

    def add(self, theta: Array, count: int) -> None:
        """Take in the next θ, of which there have been `count` with it."""
        self.theta += max(1 - self.beta, 1 / count) * (theta - self.theta)
