"""Which θ is kept: that of the least validation loss, or without validation the last one."""

from __future__ import annotations

from contextlib import suppress

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.flow import Flow
from nfedu.training.checkpoint import History, Run


class Judge:
    """What a θ is worth: the mean negative log-likelihood of `x`, with the normalization's statistics of `seen`."""

    def __init__(self, flow: Flow, x: Array | None, weights: Array | None, seen: Array) -> None:
        self.flow, self.x, self.weights, self.seen = flow, x, weights, seen

    def begin(self, run: Run) -> None:
        """Let the θ before the first step be a candidate; one at which the loss is not finite is none."""
        if self.x is not None and not run.history.train:
            with suppress(NonFiniteError):
                run.history.start = self.loss_at(run.mean.theta, self.x)
            run.history.best = run.history.start if np.isfinite(run.history.start) else np.inf

    def end_epoch(self, run: Run, loss: float) -> None:
        """Write down an epoch's training loss and, with validation, that of the mean θ; keep it if it is the best."""
        history = run.history
        history.train.append(loss)
        if self.x is not None:
            loss = self.loss_at(run.mean.theta, self.x)
            history.validation.append(loss)
        if self.x is None or loss < history.best:
            history.best, history.best_epoch, run.best[:] = loss, len(history.train) - 1, run.mean.theta

    def loss_at(self, theta: Array, x: Array) -> float:
        """Return the loss of `x` at another θ than the flow's."""
        kept, self.flow.theta[:] = self.flow.theta.copy(), theta
        try:
            self.flow.observe(self.seen)
            log_p = self.flow.log_prob(x)
            return float(-(log_p if self.weights is None else self.weights * log_p).mean())
        finally:
            self.flow.theta[:] = kept


def patience_is_over(history: History, patience: float) -> bool:
    """Return whether so many epochs after the best one, or after the first, brought no gain."""
    return len(history.train) - 1 - max(history.best_epoch, 0) >= patience
