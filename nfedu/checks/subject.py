"""A layer under examination: whatever its code does, raise, hang or print, ends in words and the learner's own line."""

from __future__ import annotations

import inspect
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from types import CodeType, FrameType, TracebackType
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward, Bijection, Mapped
from nfedu.parameters import Parameter

SECONDS = 10.0  # for one call of a layer
DIRECTIONS = ("z_to_x", "x_to_z")
NEEDED = (*DIRECTIONS, "parameters")
LIBRARIES = tuple(str(Path(module.__file__).parent) + os.sep for module in (np, sys.modules["nfedu"]))  # type: ignore[arg-type]
REFUSALS = (ValueError, AssertionError, NotImplementedError)
BROKEN = (LookupError, TypeError, NameError, AttributeError)
PATIENCE = 20  # half seconds more, for a call that did not have the processor
BUSY = 0.01  # seconds of the processor in half a second: what does less is not waiting for it
MANY = 1000  # things in a list that are looked at
HERE = str(Path(__file__).parent) + os.sep


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


def line_of(trace: TracebackType | None) -> str:
    """Return "file.py:17, in name" of the innermost line that is the learner's own, of a library's if none is."""
    frames = [f for f in traceback.extract_tb(trace) if not f.filename.startswith(HERE) and f.filename[0] != "<"]
    own = [f for f in frames if not f.filename.startswith(LIBRARIES) and "site-packages" not in f.filename]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}, in {frame.name}"


class Subject:
    """A layer, or a copy of it, that may be called, moved and differentiated; every call can raise Trouble."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer
        self.name = type(layer).__name__
        self.n = int(guarded(getattr, layer, "n"))
        self.mixes_rows = bool(guarded(getattr, layer, "mixes_rows", False))
        self.absent = missing_from(layer)
        self.parameters = parameters_of(layer)
        self.analytic: dict[str, Array] = {}  # which outputs let the complex step through, by what is differentiated

    def call(self, direction: str, y: Array) -> Mapped:
        """Return the three results of a direction at `y` as they come, three if nothing else is sure."""
        if self.absent:
            raise self.absent
        result = guarded(getattr(self.layer, direction), y)
        if not isinstance(result, tuple) or len(result) != 3:
            got = f"{len(result)} results" if isinstance(result, tuple) else type(result).__name__
            words = f"returned {got}, expected three results, output, log_det and backward"
            raise Trouble(words, self.place(direction), "shape")
        if not callable(result[2]):
            words = f"returned a {type(result[2]).__name__} for backward, expected a function"
            raise Trouble(words, self.place(direction), "shape")
        return result

    def values(self, direction: str, y: Array) -> Array:
        """Return output and log-det side by side, (N, n + 1)."""
        out, log_det, _ = self.call(direction, y)
        if np.shape(out) != y.shape or np.shape(log_det) != y.shape[:1]:
            words = f"returned shapes {np.shape(out)} and {np.shape(log_det)}, expected {y.shape} and {y.shape[:1]}"
            raise Trouble(words, self.place(direction), "shape")
        return np.concatenate([out, np.asarray(log_det)[:, None]], axis=1)

    def call_backward(self, backward: Backward, g_out: Array, g_log_det: Array) -> Array:
        """Return what backward returns; it may change its arguments and the parameters' grads."""
        return guarded(backward, g_out, g_log_det)

    def gradients(self, backward: Backward, g_out: Array, g_log_det: Array) -> tuple[Array, dict[str, Array]]:
        """Return what backward returns, a copy, and what it adds to each parameter's grad."""
        kept = {name: p.grad for name, p in self.parameters.items()}
        for name, p in self.parameters.items():
            p.grad = np.zeros_like(kept[name])
        try:
            g_in = self.call_backward(backward, g_out.copy(), g_log_det.copy())
            found = {name: np.array(p.grad) for name, p in self.parameters.items()}
        finally:
            for name, p in self.parameters.items():
                p.grad = kept[name]
        where = self.place("the map", backward)
        if np.shape(g_in) != g_out.shape:
            raise Trouble(f"returned shape {np.shape(g_in)}, expected {g_out.shape}", where, "shape")
        for name, g in found.items():
            if g.shape != self.parameters[name].value.shape:
                words = f"left {name}.grad with shape {g.shape}, expected {self.parameters[name].value.shape}"
                raise Trouble(words, where, "shape")
        return np.array(g_in), found

    @contextmanager
    def holding(self, values: dict[str, Array]) -> Iterator[None]:
        """Put other values into some parameters for a while."""
        kept = {name: self.parameters[name].value for name in values}
        for name, value in values.items():
            self.parameters[name].value = np.asarray(value)
        try:
            yield
        finally:
            for name, value in kept.items():
                self.parameters[name].value = value

    def place(self, direction: str, backward: Any = None) -> str:
        """Return the learner's line to look at: where a direction, or the backward that it returned, is written."""
        code = code_of(backward) if backward is not None else None
        if code is not None:
            return f"{Path(code.co_filename).name}:{code.co_firstlineno}, backward of {direction}"
        code = code_of(getattr(type(self.layer), direction, None)) or code_of(getattr(self.layer, direction, None))
        if code is None:
            return f"{direction} of {self.name}"
        return f"{Path(code.co_filename).name}:{code.co_firstlineno}, {direction}"


def missing_from(layer: Any) -> Trouble | None:
    """Return what is to be said of a layer that lacks a method, or has only Bijection's, which maps nothing."""
    kind = type(layer)
    for name in NEEDED:
        if not callable(guarded(getattr, layer, name, None)) or (
            name in DIRECTIONS and getattr(kind, name, None) is getattr(Bijection, name)
        ):
            words = f"{kind.__name__} has no {name}(); help(nfedu.Bijection) describes what a layer must have"
            try:
                line = f"{Path(inspect.getfile(kind)).name}:{inspect.getsourcelines(kind)[1]}, in class {kind.__name__}"
            except (OSError, TypeError):  # typed in, or written in C
                line = ""
            return Trouble(words, line)
    return None


def code_of(function: Any) -> CodeType | None:
    """Return the code of a function, method, partial or callable object, if it is written in Python."""
    with suppress(Exception):  # of a __getattr__
        for _ in range(4):
            function = getattr(function, "func", getattr(function, "__func__", function))
            code = getattr(function, "__code__", None)
            if isinstance(code, CodeType):
                return code
            function = vars(type(function)).get("__call__")
    return None


def parameters_of(layer: Any) -> dict[str, Parameter]:
    """Return the layer's parameters, or raise Trouble when `parameters()` returns no dict of them."""
    found = guarded(lambda: layer.parameters())
    code = code_of(type(layer).parameters)
    where = f"{Path(code.co_filename).name}:{code.co_firstlineno}, parameters" if code else ""
    if not isinstance(found, dict):
        raise Trouble(
            f"parameters() returned a {type(found).__name__}, expected a dict, name → Parameter, as {{'s': self.s}}",
            where,
            "shape",
        )
    for name, p in found.items():
        if not isinstance(name, str):
            raise Trouble(f"parameters() has the name {name!r}, expected strings", where, "shape")
        if not (hasattr(p, "value") and hasattr(p, "grad")):
            words = f"parameters()[{name!r}] is a {type(p).__name__}, expected an nfedu.Parameter"
            raise Trouble(words, where, "shape")
        if np.shape(p.value) != np.shape(p.grad):
            words = f"{name}: value has shape {np.shape(p.value)}, grad {np.shape(p.grad)}, expected the same"
            raise Trouble(words, where, "shape")
    return found


def all_parameters(thing: Any) -> list[tuple[str, Parameter]]:
    """Return every Parameter that an object holds, with the path to it, in lists, dicts and nested objects too."""
    found: list[tuple[str, Parameter]] = []
    seen: set[int] = set()

    def walk(path: str, value: Any, depth: int) -> None:
        if id(value) in seen or depth > 6:
            return
        seen.add(id(value))
        if isinstance(value, Parameter):
            found.append((path, value))
            return
        if isinstance(value, dict):
            for key, inner in value.items():
                walk(f"{path}[{key!r}]", inner, depth + 1)
        elif isinstance(value, Sequence | set | frozenset) and not isinstance(value, str | bytes):
            for i, inner in enumerate(islice(value, MANY)):
                walk(f"{path}[{i}]", inner, depth + 1)
        elif isinstance(value, np.ndarray):
            for i, inner in enumerate(value.ravel() if value.dtype == object else ()):
                walk(f"{path}[{i}]", inner, depth + 1)
        elif not (isinstance(value, type) or inspect.ismodule(value) or inspect.isroutine(value)):
            for key, inner in attributes(value).items():
                walk(f"{path}.{key}" if path else key, inner, depth + 1)

    walk("", thing, 0)
    return found


def attributes(value: Any) -> dict[str, Any]:
    """Return an object's own attributes, those in slots too."""
    slots = [s for c in type(value).__mro__ for s in np.atleast_1d(getattr(c, "__slots__", ())).tolist()]
    return {**{s: getattr(value, s) for s in slots if hasattr(value, s)}, **getattr(value, "__dict__", {})}
