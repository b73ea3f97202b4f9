"""A training under way: its epochs, and how everything is left when it ends, whatever ends it."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import BrokenExecutor
from contextlib import contextmanager, suppress
from time import perf_counter

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.training.checkpoint import History, Run
from nfedu.training.divergence import DivergedError, advice
from nfedu.training.rows import Rows
from nfedu.training.validation import patience_is_over

Progress = bool | Callable[[History], None]  # a bar on a terminal, nothing, or what is called after each epoch


def epochs_of(run: Run, epochs: int, patience: float, seconds: float, progress: Progress) -> Generator[int]:
    """Yield the epochs still to come, until patience or the clock is over; show or tell how it goes."""
    from tqdm import tqdm

    history, first = run.history, len(run.history.train)
    start = perf_counter() - history.seconds
    hidden = None if progress is True else True  # None: hidden unless this is a terminal
    with tqdm(range(first, epochs), initial=first, total=epochs, disable=hidden, desc="fit", leave=False) as bar:
        for epoch in bar:
            if history.interrupted:
                break
            if epoch > 0 and (patience_is_over(history, patience) or history.seconds > seconds):
                break
            yield epoch
            history.seconds = perf_counter() - start
            run.save()
            if callable(progress):
                progress(history)
            latest = history.validation[-1] if history.validation else history.train[-1]
            bar.set_postfix_str(f"nll {history.train[-1]:.3f}, latest {latest:.3f}, best epoch {history.best_epoch}")


@contextmanager
def session(run: Run, rows: Rows, seen: Array, reversible: bool, epochs: Generator[int]) -> Iterator[Iterator[int]]:
    """Train; at the end leave θ at its best, with the statistics of `seen`, and all else as it was."""
    flow, optimizer, history = run.flow, run.optimizer, run.history
    rate, was_reversible = optimizer.learning_rate, flow.reversible
    try:
        flow.reversible = reversible or was_reversible
        with asked_between_steps(history):
            yield epochs
    except NonFiniteError as error:
        moved = abs(flow.theta - run.best).max(initial=0)
        flow.theta[:] = run.best
        kept = f"its value after epoch {history.best_epoch}" if history.best_epoch >= 0 else "its initial value"
        raise DivergedError(
            f"training diverged at step {history.steps}: {error}. theta is back at {kept}; "
            f"{advice(flow, rows.made(run.x, np.random.default_rng(0)), moved, rate)}"
        ) from error
    except (KeyboardInterrupt, BrokenExecutor) as error:  # an executor breaks when its workers hear of Ctrl-C too
        if isinstance(error, BrokenExecutor) and not history.interrupted:
            raise
        history.interrupted = True
    finally:
        epochs.close()
        flow.theta[:], optimizer.learning_rate, flow.reversible = run.best, rate, was_reversible
        with suppress(NonFiniteError):  # the last θ may be one that overflows: what is raised says more
            flow.observe(seen)


@contextmanager
def asked_between_steps(history: History) -> Iterator[None]:
    """Let Ctrl-C ask for an end where nothing is half done, `Run.count_step`; a second one ends at once."""

    def ask(*_: object) -> None:
        if history.interrupted:
            raise KeyboardInterrupt
        history.interrupted = True

    main = threading.current_thread() is threading.main_thread()
    ours = main and signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not where the caller has his own
    if ours:
        signal.signal(signal.SIGINT, ask)
    try:
        yield
    finally:
        if ours:
            signal.signal(signal.SIGINT, signal.default_int_handler)
