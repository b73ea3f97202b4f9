"""Rows split over threads: NumPy lets others run while it computes, so each thread takes its own part of a batch.

Each should multiply its matrices alone. How many threads a product takes is set where BLAS is loaded; `threadpoolctl`,
where it is installed (extra "threads"), sets it to one for the time being. Without it start Python with
OPENBLAS_NUM_THREADS=1, or the threads wait for each other.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import contextmanager
from contextvars import copy_context
from functools import cache
from typing import Any, TypeVar

from nfedu.arrays import is_whole

_lock, _limits = threading.Lock(), list[Any]()

Job = TypeVar("Job")
Result = TypeVar("Result")


def as_threads(threads: Any, owner: str) -> int:
    """Return a number of threads ≥ 1, or raise ValueError."""
    if not is_whole(threads, 1):
        raise ValueError(f"{owner}: threads = {threads!r}, expected an integer ≥ 1")
    return int(threads)


def over_threads(f: Callable[[Job], Result], jobs: Iterable[Job], threads: int) -> list[Result]:
    """Return [f(job) for job in jobs], so many at a time, in the order of the jobs whoever is ready first."""
    if threads == 1:
        return [f(job) for job in jobs]
    with one_blas_thread_each():
        futures = [pool(threads).submit(copy_context().run, f, job) for job in jobs]  # with the caller's np.errstate
        wait(futures)  # all of them, also where one raises: they use what the caller may change
        return [future.result() for future in futures]


@cache
def pool(threads: int) -> ThreadPoolExecutor:
    """Return a pool of so many threads, which wait between calls."""
    return ThreadPoolExecutor(threads, thread_name_prefix="nfedu")


@contextmanager
def one_blas_thread_each() -> Iterator[None]:
    """Let each matrix product take one thread, where threadpoolctl is installed."""
    control = controller()
    if control is None:
        yield
        return
    with _lock:
        if not _limits:  # the first of those that overlap sets the limit, the last one lifts it
            _limits.append(control.limit(limits=1, user_api="blas"))
        _limits.append(None)
    try:
        yield
    finally:
        with _lock:
            _limits.pop()
            if len(_limits) == 1:
                _limits.pop().restore_original_limits()


@cache
def controller() -> Any:
    """Return threadpoolctl's view of the libraries that are loaded, or None without it."""
    try:
        from threadpoolctl import ThreadpoolController
    except ImportError:
        return None
    return ThreadpoolController()


if hasattr(os, "register_at_fork"):  # a child process has none of its parent's threads
    os.register_at_fork(after_in_child=pool.cache_clear)
