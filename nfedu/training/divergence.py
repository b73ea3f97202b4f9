"""When a number stops being finite: what is said, and what can be done."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, NonFiniteError


class DivergedError(ValueError):
    """Training met a number that is not finite; theta holds the best values seen before."""


def finite(loss: float, grad: Array) -> float:
    """Return the loss, or raise NonFiniteError when it or the gradient is not finite."""
    if not (np.isfinite(loss) and np.isfinite(grad).all()):
        raise NonFiniteError(
            f"the loss is {loss}, its gradient has {np.count_nonzero(~np.isfinite(grad))} non-finite entries"
        )
    return loss
