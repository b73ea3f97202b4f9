"""Maximum likelihood by L-BFGS: since theta and grad are flat vectors, SciPy's minimizer takes a flow as it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch, is_whole
from nfedu.flow import Flow
from nfedu.training.optimizers import positive
from nfedu.training.rows import at_least_two


@dataclass
class Minimum:
    """Where L-BFGS ended: the loss in nats per point, and SciPy's word on why; `converged` where status is 0."""

    loss: float
    status: int
    message: str
    iterations: int

    @property
    def converged(self) -> bool:
        """Whether a tolerance was met; if not, iterations ran out, or a line search found nothing."""
        return self.status == 0


def fit_lbfgs(flow: Flow, x: Array, *, iterations: int = 200, tolerance: float = 1e-14) -> Minimum:
    """Minimise the mean negative log-likelihood (N8) of all of `x` at once; return the loss reached, and why it ended.

    For small flows and data sets: every iteration looks at the whole `x`, (N, n), N ≥ 2. Changes `flow.theta` in place
    and leaves it, and `flow.grad`, at the least loss seen. A step of the line search that makes the flow overflow
    counts as a loss of infinity and is shortened. Normalization layers are shown `x` once, at the start: BatchNorm
    stays the affine map that this makes it. It ends where the loss falls by less than `tolerance`, of its distance from
    the first loss or of one nat if that is more; whether it did is in the result.
    """
    from scipy.optimize import minimize

    x = at_least_two(as_batch(x, flow.n, "fit_lbfgs"), "x")
    if not is_whole(iterations, 1):
        raise ValueError(f"fit_lbfgs: iterations = {iterations!r}, expected an integer ≥ 1")
    positive(tolerance, "tolerance")
    flow.nll(x)  # raises for bad data before anything is changed
    flow.observe(x)
    first = least = float(flow.nll(x))
    best = flow.theta.copy()

    def loss(theta: Array) -> tuple[float, Array]:
        nonlocal least
        flow.theta[:] = theta
        try:
            value = float(flow.nll(x))
        except NonFiniteError:
            return np.inf, np.zeros(theta.shape)
        if value < least:
            least, best[:] = value, flow.theta
        return value - first, flow.grad.astype(float)  # the units of x are in `first`: they do not say when to end

    options = {"maxiter": iterations, "ftol": tolerance, "gtol": 1e-8}
    end: Any = minimize(loss, flow.theta.astype(float), jac=True, method="L-BFGS-B", options=options)
    flow.theta[:] = best
    return Minimum(float(flow.nll(x)), int(end.status), str(end.message), int(end.nit))
