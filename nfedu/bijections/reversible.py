"""Backpropagation whose memory does not grow with depth: a flow can rebuild what another network must keep."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch
from nfedu.bijections.base import Bijection, Chain, Mapped, take


class Reversible(Chain):
    """A Chain that keeps nothing of its layers but the first input, the last output and the log-dets; same gradients.

    Its backward rebuilds each layer's input from that layer's output by the other direction, and only then makes the
    layer's closure: three passes for one of memory. Rounding grows on the way, and a map that squeezes may lose what it
    squeezed: so each log-det at a rebuilt input, and at the end the input itself, is compared with what it was, and a
    ValueError raised when they differ by more than `tolerance` of the largest entry, √ε of the dtype unless given.
    Source: Gomez et al. 2017, section 3.
    """

    def __init__(self, bijections: Sequence[Bijection], tolerance: float | None = None) -> None:
        super().__init__(bijections)
        self.tolerance = tolerance

    def z_to_x(self, z: Array) -> Mapped:
        """Go through the layers from z to x."""
        return self._compose("z_to_x", "x_to_z", as_batch(z, self.n, self, "z"))

    def x_to_z(self, x: Array) -> Mapped:
        """Go through the layers from x to z: the last one is undone first."""
        return self._compose("x_to_z", "z_to_x", as_batch(x, self.n, self, "x"))

    def _compose(self, direction: str, other: str, first: Array) -> Mapped:
        steps, undoing = self.steps(direction), self.steps(other)
        last, log_dets = first, []
        for step in steps:
            last, log_det, _ = take(step, last)  # the closure is dropped, and what it holds with it
            log_dets.append(log_det)

        def backward(g_y: Array, g_log_det: Array) -> Array:
            y = last
            for step, undo, log_det in zip(reversed(steps), undoing, reversed(log_dets), strict=True):
                try:
                    y = take(undo, y)[0]
                except NonFiniteError as error:
                    raise NonFiniteError(f"Reversible: a layer's input cannot be rebuilt: {error}") from error
                except ValueError as error:
                    raise ValueError(f"Reversible: a layer's input cannot be rebuilt, use Chain: {error}") from error
                _, rebuilt, backward_m = take(step, y)
                self._check(rebuilt, log_det, "a layer's log-det at its rebuilt input", 1.0)
                g_y = backward_m(g_y, g_log_det)
            self._check(y, first, "the rebuilt input", 0.0)
            return g_y

        return last, np.sum(log_dets, axis=0), backward  # N7

    def _check(self, rebuilt: Array, original: Array, quantity: str, least: float) -> None:
        error = float(abs(rebuilt - original).max() / (max(least, abs(original).max()) or 1.0))
        limit = float(np.sqrt(np.finfo(rebuilt.dtype).eps)) if self.tolerance is None else self.tolerance
        if not error <= limit:
            raise ValueError(
                f"Reversible: {quantity} is off by {error:.1e} > {limit:.1e}, so the gradient is wrong, and `grad` "
                "with it; use Chain, which keeps the inputs, or float64"
            )
