"""A gradient over an executor: the rows of a batch split, each part sent away with a copy of the flow.

A task holds all that it needs, and changes nothing where it runs. So any `concurrent.futures.Executor` will do, and a
task that was lost can be run again.
"""

from __future__ import annotations

from concurrent.futures import Executor, wait
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.flow import Flow
from nfedu.threads import one_blas_thread_each
from nfedu.training.parallel.team import add_up, parts_of


class RemoteTeam:
    """`nll` of a flow by so many tasks of an executor: the same loss and gradient, up to the order of summation.

    For a given number of parts the result is the same each time, whoever computes which. A flow weighs little more than
    its θ when it is pickled, and θ is new at each step: so all of it is sent.
    """

    def __init__(self, flow: Flow, parts: int, executor: Executor) -> None:
        self.flow, self.parts, self.executor = flow, parts, executor

    def nll(self, x: Array, *weights: Array) -> float:
        """Return the mean negative log-likelihood of `x`, and set the flow's `grad` to its gradient."""
        parts = parts_of(x, self.parts)
        jobs = zip(*(parts_of(rows, len(parts)) for rows in (x, *weights)), strict=True)
        futures = [self.executor.submit(gradient, self.flow, np.geterr(), *job) for job in jobs]
        wait(futures)  # all of them, also where one raises: the caller may change what is still to be sent
        return add_up(self.flow, parts, [future.result() for future in futures])


def gradient(flow: Flow, errors: Any, rows: Array, *weights: Array) -> tuple[float, Array]:
    """Return the mean negative log-likelihood of some rows, and its gradient; `errors` as for `np.errstate`."""
    twin = flow.sharing_theta()  # in a pool of threads the flow is the caller's own, and so is its grad
    with one_blas_thread_each(), np.errstate(**errors):
        return twin.nll(rows, *weights), twin.grad


def check_executor(executor: Any, threads: int) -> None:
    """Raise ValueError for an executor that is none, or that is to have a batch in one piece."""
    if not isinstance(executor, Executor):
        raise ValueError(
            f"fit: executor = {executor!r}, expected a concurrent.futures.Executor, as client.get_executor()"
        )
    if threads == 1:
        raise ValueError("fit: threads = 1 with an executor, expected ≥ 2: into how many parts a batch is split")
