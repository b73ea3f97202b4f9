"""Calls into somebody's code: whatever it does, raise, hang or warn, ends in words and the learner's own line."""

from __future__ import annotations

import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import numpy as np

from nfedu.checks.subject.lines import line_of

SECONDS = 10.0  # for one call of a layer
PATIENCE = 20  # half seconds more, for a call that did not have the processor
BUSY = 0.01  # seconds of the processor in half a second: what does less is not waiting for it
REFUSALS = (ValueError, AssertionError, NotImplementedError)
BROKEN = (LookupError, TypeError, NameError, AttributeError)


class Trouble(Exception):
    """What a call of a layer did instead of an answer; `where` is the learner's line."""

    def __init__(
        self,
        words: str,
        where: str = "",
        cause: str = "raises",
        refused: bool = False,
        hung: bool = False,
        broken: bool = False,
    ) -> None:
        super().__init__(words)
        self.words, self.where, self.cause = words, where, cause
        self.broken = broken  # by an index, a name or a type, which is no way to refuse an argument
        self.hung = hung  # it was stopped: to ask again would take as long
        self.refused = refused  # by a ValueError or an assertion: the layer's own no to an argument


class TookTooLongError(BaseException):
    """Past a reader's patience; no Exception, so that a layer's `except Exception` lets it pass."""


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raise TookTooLongError in the body after `seconds`; outside the main thread there is no limit."""
    if threading.current_thread() is not threading.main_thread() or not hasattr(signal, "setitimer"):
        yield
        return

    start = last = time.process_time()
    idle = 0

    def ring(number: int, frame: FrameType | None) -> None:
        nonlocal last, idle
        last, before = time.process_time(), last
        idle += last - before < BUSY  # it sleeps; or else others have the processor for most of the time
        if last - start > seconds / 2 or idle > PATIENCE:
            raise TookTooLongError

    handler = signal.signal(signal.SIGALRM, ring)
    timer = signal.setitimer(signal.ITIMER_REAL, seconds, 0.5)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *timer)
        signal.signal(signal.SIGALRM, handler)


def guarded(call: Callable[..., Any], *arguments: Any, seconds: float | None = None) -> Any:
    """Make a call into somebody's code, for SECONDS at most; raise Trouble when it does not return."""
    seconds = SECONDS if seconds is None else seconds
    try:
        with time_limit(seconds):
            return call(*arguments)
    except Trouble:  # of a call within
        raise
    except TookTooLongError as problem:
        raise Trouble(f"took longer than {seconds:g} s", line_of(problem.__traceback__), hung=True) from problem
    except RecursionError as problem:
        raise Trouble("raised RecursionError: it calls itself without end", line_of(problem.__traceback__)) from problem
    except KeyboardInterrupt:
        raise
    except BaseException as problem:
        try:
            said = " ".join(str(problem).split())
        except Exception:
            said = ""
        said = said if len(said) <= 300 else said[:300] + " …"
        words = f"raised {type(problem).__name__}" + (f": {said}" if said else "")
        refused, broken = isinstance(problem, REFUSALS), isinstance(problem, BROKEN)
        raise Trouble(words, line_of(problem.__traceback__), refused=refused, broken=broken) from problem


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a layer's warnings to itself: what is wrong shows in numbers."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
