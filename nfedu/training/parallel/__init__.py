"""Who computes a step's loss and gradient: this thread, several, or the workers of an executor."""

from __future__ import annotations

from concurrent.futures import Executor

from nfedu.flow import Flow
from nfedu.training.parallel.remote import RemoteTeam, check_executor
from nfedu.training.parallel.team import Team, check_threads


def team_of(flow: Flow, threads: int, executor: Executor | None) -> Flow | Team | RemoteTeam:
    """Return whose `nll` it is that a step asks for."""
    if executor is not None:
        return RemoteTeam(flow, threads, executor)
    return flow if threads == 1 else Team(flow, threads)


def check_team(flow: Flow, threads: int, executor: Executor | None) -> None:
    """Raise ValueError for a number of threads, or an executor, that cannot train the flow."""
    check_threads(flow, threads)
    if executor is not None:
        check_executor(executor, threads)
