"""Maximum likelihood by L-BFGS: since theta and grad are flat vectors, SciPy's minimizer takes a flow as it is."""

from nfedu.arrays import Array, NonFiniteError
from nfedu.flow import Flow


def fit_lbfgs(flow: Flow, x: Array, *, iterations: int = 200, tolerance: float = 1e-14) -> float:
    """Minimise the mean negative log-likelihood (N8) of all of `x` at once; return the loss reached.

    For small flows and data sets: every iteration looks at the whole `x`, (N, n). Changes `flow.theta` in place.
    A step of the line search that makes the flow overflow counts as a loss of infinity and is shortened.
    """
    from scipy.optimize import minimize

    def loss(theta: Array) -> tuple[float, Array]:
        flow.theta[:] = theta
        try:
            return float(flow.nll(x)), flow.grad.astype(float)
        except NonFiniteError:
            return float("inf"), flow.grad.astype(float)

    flow.nll(x)  # raises for bad data before anything is changed
    options = {"maxiter": iterations, "ftol": tolerance, "gtol": 1e-8}
    result = minimize(loss, flow.theta.astype(float), jac=True, method="L-BFGS-B", options=options)
    flow.theta[:] = result.x
    return float(flow.nll(x))
