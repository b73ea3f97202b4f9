"""When a number stops being finite: what is said, and what can be done."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.bijections.base import Bijection
from nfedu.flow import Flow


class DivergedError(ValueError):
    """Training met a number that is not finite; theta holds the best values seen before."""


def finite(loss: float, grad: Array) -> float:
    """Return the loss, or raise NonFiniteError when it or the gradient is not finite."""
    if not (np.isfinite(loss) and np.isfinite(grad).all()):
        raise NonFiniteError(
            f"the loss is {loss}, its gradient has {np.count_nonzero(~np.isfinite(grad))} non-finite entries"
        )
    return loss


def advice(flow: Flow, x: Array, moved: float, rate: float) -> str:
    """Return what to do about it, at the θ that was kept: `moved` is how far steps had led from there."""
    with np.errstate(all="ignore"):
        row = first_failing(flow, x)
        if row is not None:
            return f"no step led there: {cause_at(flow, x, row)}"
    if moved > 1e-6 * (1 + abs(flow.theta).max(initial=0)):
        return f"steps had moved it by up to {moved:.2g}: try a smaller learning rate than {rate:g}"
    return (
        "all rows have a finite density there, and no step led away: look at what `transform` makes, at the base's "
        "score, or at a layer's backward (checks.check_flow)"
    )


def first_failing(flow: Flow, x: Array) -> int | None:
    """Return the first row without a finite log-density, if there is one."""
    low, high = 0, len(x)
    if fails(flow, x):
        while high - low > 1:  # the first is among x[low:high]
            middle = (low + high) // 2
            low, high = (low, middle) if fails(flow, x[low:middle]) else (middle, high)
        return low
    return None


def fails(flow: Flow, x: Array) -> bool:
    """Return whether a row has no finite log-density."""
    try:
        return not np.isfinite(flow.log_prob(x)).all()
    except NonFiniteError:
        return True


def cause_at(flow: Flow, x: Array, row: int) -> str:
    """Return why log p(x) is not finite at a row, and what helps."""
    try:
        z, log_det = flow.bijection.values("x_to_z", x[row : row + 1])
    except NonFiniteError:
        z = log_det = np.array(np.nan)
    if np.isfinite(z).all() and np.isfinite(log_det).all():
        return (
            f"row {row} has a finite latent where the base, {type(flow.base).__name__}, has log p = "
            f"{flow.base.log_prob(z)[0]}: its support ends before; take a base that is positive everywhere"
        )
    away = abs(x - np.median(x, axis=0)) / np.maximum(np.subtract(*np.quantile(x, (0.75, 0.25), axis=0)), 1e-300)
    column = int(np.argmax(away[row]))
    size = f"x[{row}, {column}] = {x[row, column]:.4g}, {away[row, column]:.2g} interquartile ranges from the median"
    if without_bound(flow.bijection):
        return f"{size}, overflows in layers without a bound on their log-scales: give them one, as bound=1.0"
    return f"{size}, overflows: drop such rows, or bring them nearer, as by arcsinh of the standardised column"


def without_bound(bijection: Bijection) -> bool:
    """Return whether some layer has no bound on its log-scales."""
    parts = bijection.parts() if isinstance(bijection, Bijection) else ()
    return getattr(bijection, "bound", 1.0) is None or any(map(without_bound, parts))
