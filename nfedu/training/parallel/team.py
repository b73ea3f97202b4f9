"""A gradient over threads: the rows of a batch split, each thread with a gradient vector of its own and the same θ."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.normalization.base import in_mode
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

    def nll(self, x: Array, *weights: Array) -> float:
        """Return the mean negative log-likelihood of `x`, and set the flow's `grad` to its gradient."""
        parts = parts_of(x, len(self.members))
        jobs = list(zip(self.members, *(parts_of(rows, len(parts)) for rows in (x, *weights)), strict=False))

        def gradient(job: tuple[Any, ...]) -> tuple[float, Array]:
            member, *part = job
            with in_mode("training", member.bijection):
                return member.nll(*part), member.grad

        return add_up(self.flow, parts, over_threads(gradient, jobs, len(jobs)))


def parts_of(x: Array, count: int) -> list[Array]:
    """Return so many parts of the rows of `x`, or as many as there are rows."""
    return np.array_split(x, min(count, len(x)))


def add_up(flow: Flow, parts: list[Array], answers: list[tuple[float, Array]]) -> float:
    """Return the loss of all rows, and set the flow's `grad`, from each part's mean loss and its gradient, in order."""
    shares = [len(part) / sum(map(len, parts)) for part in parts]
    np.multiply(answers[0][1], shares[0], out=flow.grad)  # a team's first member is the flow itself
    for share, (_, grad) in zip(shares[1:], answers[1:], strict=True):
        flow.grad += share * grad
    return sum(share * loss for share, (loss, _) in zip(shares, answers, strict=True))


def check_threads(flow: Flow, threads: int) -> None:
    """Raise ValueError when a flow cannot be trained by so many: rows that depend on each other stay together."""
    with in_mode("training", flow.bijection):
        if as_threads(threads, "fit") > 1 and flow.bijection.mixes_rows:
            raise ValueError(f"fit: threads = {threads}, expected 1: in training a batch's rows depend on each other")
