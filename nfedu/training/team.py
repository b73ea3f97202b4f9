"""A gradient over threads: the rows of a batch split, each thread with a gradient vector of its own and the same θ."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.normalization import in_mode
from nfedu.flow import Flow
from nfedu.threads import as_threads, over_threads


class Team:
    """`nll` of a flow by so many threads: the same loss and gradient, up to the order in which rows are added.

    The others are copies whose parameters are views into the flow's own θ: nothing is copied when that changes. For a
    given number of threads the result is the same each time.
    """

    def __init__(self, flow: Flow, threads: int) -> None:
        check_threads(flow, threads)
        self.flow, self.members = flow, [flow, *(flow.sharing_theta() for _ in range(threads - 1))]

    def nll(self, x: Array) -> float:
        """Return the mean negative log-likelihood of `x`, and set the flow's `grad` to its gradient."""
        parts = [part for part in np.array_split(x, len(self.members)) if len(part)]
        jobs = list(zip(self.members, parts, strict=False))

        def nll(job: tuple[Flow, Array]) -> float:
            member, part = job
            with in_mode("training", member.bijection):
                return member.nll(part)

        losses = over_threads(nll, jobs, len(jobs))
        self.flow.grad *= len(parts[0]) / len(x)
        for member, part in jobs[1:]:
            self.flow.grad += len(part) / len(x) * member.grad
        return sum(len(part) / len(x) * loss for part, loss in zip(parts, losses, strict=True))


def check_threads(flow: Flow, threads: int) -> None:
    """Raise ValueError when a flow cannot be trained by so many: rows that depend on each other stay together."""
    with in_mode("training", flow.bijection):
        if as_threads(threads, "fit") > 1 and flow.bijection.mixes_rows:
            raise ValueError(f"fit: threads = {threads}, expected 1: in training a batch's rows depend on each other")
