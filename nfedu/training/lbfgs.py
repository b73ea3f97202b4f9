"""Maximum likelihood by L-BFGS: since theta and grad are flat vectors, SciPy's minimizer takes a flow as it is."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, NonFiniteError, as_batch
from nfedu.flow import Flow
from nfedu.training.rows import at_least_two


def fit_lbfgs(flow: Flow, x: Array, *, iterations: int = 200, tolerance: float = 1e-14) -> float:
    """Minimise the mean negative log-likelihood (N8) of all of `x` at once; return the loss reached.

    For small flows and data sets: every iteration looks at the whole `x`, (N, n), N ≥ 2. Changes `flow.theta` in place
    and leaves it, and `flow.grad`, at the least loss seen. A step of the line search that makes the flow overflow
    counts as a loss of infinity and is shortened. Normalization layers are shown `x` once, at the start: BatchNorm
    stays the affine map that this makes it.
    """
    from scipy.optimize import minimize

    x = at_least_two(as_batch(x, flow.n, "fit_lbfgs"), "x")
    flow.nll(x)  # raises for bad data before anything is changed
    flow.observe(x)
    least, best = float(flow.nll(x)), flow.theta.copy()

    def loss(theta: Array) -> tuple[float, Array]:
        nonlocal least
        flow.theta[:] = theta
        try:
            value = float(flow.nll(x))
        except NonFiniteError:
            return np.inf, np.zeros(theta.shape)
        if value < least:
            least, best[:] = value, flow.theta
        return value, flow.grad.astype(float)

    options = {"maxiter": iterations, "ftol": tolerance, "gtol": 1e-8}
    minimize(loss, flow.theta.astype(float), jac=True, method="L-BFGS-B", options=options)
    flow.theta[:] = best
    return float(flow.nll(x))
