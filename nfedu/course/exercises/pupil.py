"""The process in which an answer runs: it is loaded and asked here, by the wire alone, and judged elsewhere.

`python -m nfedu.course.exercises.pupil` speaks by standard input and output, which the answer itself does not get to
see: what it prints goes nowhere, and what it reads is empty.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
from numpy import allclose  # bound before an answer can bend it

from nfedu.checks import check_bijection
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.lines import code_of, line_of
from nfedu.course.exercises.wire import End, Message

BLANK = "blank"  # what is wrong with an answer that is not there yet
PATIENCE = 2.0  # seconds for one call: then its line can still be named, before the judge ends the process


class Pupil:
    """An answer, and what may be asked of it."""

    def __init__(self) -> None:
        self.end = End({"load": self.load, "call": call, "get": get, "check": check})

    def load(self, path: str) -> ModuleType:
        """Run an answer's file and return it as a module."""
        try:
            code = compile(Path(path).read_bytes(), path, "exec")
        except (SyntaxError, ValueError, RecursionError, MemoryError) as problem:
            raise Trouble(f"{type(problem).__name__}: {problem}") from problem
        module = ModuleType("answer")
        module.__file__ = path
        sys.modules["answer"] = module  # where dataclasses look for it
        guarded(exec, code, module.__dict__, seconds=PATIENCE)
        return module


def call(function: Any, *arguments: Any) -> Any:
    """Call a function of the answer's; Trouble where it raises, takes too long, or writes into its arguments."""
    before = [copied(argument) for argument in arguments]
    try:
        result = guarded(function, *arguments, seconds=PATIENCE)
    except Trouble as trouble:
        if isinstance(trouble.__cause__, NotImplementedError):
            raise Trouble("is not written yet", trouble.where, BLANK) from trouble
        trouble.where = trouble.where or line_of(trouble.__traceback__)  # who asked what the judge's function refuses
        raise
    for k, (was, argument) in enumerate(zip(before, arguments, strict=True)):
        if not same(was, argument):
            words = f"input-modified: it writes into {named(function, k)}, which is its caller's: change a copy"
            code = code_of(function)
            where = f"{Path(code.co_filename).name}:{code.co_firstlineno}, in {code.co_name}" if code else ""
            raise Trouble(words, where, "input-modified")
    return result


def copied(value: Any) -> Any:
    """Return a copy of an array, or of a list of them, to compare with; of anything else itself."""
    if isinstance(value, np.ndarray):
        return value.copy()
    return [copied(v) for v in value] if isinstance(value, list | tuple) else value


def same(was: Any, now: Any) -> bool:
    """Whether a value is still what it was, but for rounding: what is changed and then restored does no harm."""
    if isinstance(was, np.ndarray):
        return was.shape == now.shape and allclose(was, now, 1e-12, 1e-12, equal_nan=True)
    if isinstance(was, list):
        return len(was) == len(now) and all(same(a, b) for a, b in zip(was, now, strict=True))
    return was is now


def named(function: Any, k: int) -> str:
    """Return the name of a function's argument number k."""
    try:
        return list(inspect.signature(function).parameters)[k]
    except (ValueError, TypeError, IndexError):
        return f"argument {k + 1}"


def get(owner: Any, name: str) -> Any:
    """Return an attribute of the answer's."""
    if not hasattr(owner, name):
        what = f"its file has no {name}" if isinstance(owner, ModuleType) else f"it has no attribute {name!r}"
        raise Trouble(what)
    return getattr(owner, name)


def check(layer: Any, x: Any, seed: int) -> list[str] | None:
    """Return what the checker says of a layer: cause, words, the worst entry, the line; None when all is well."""
    try:
        report = check_bijection(layer, x, rng=np.random.default_rng(seed))
    except ValueError as error:
        raise Trouble(f"cannot be checked: {error}") from error
    first = next(iter(report.failures), None)
    if first is not None and "NotImplementedError" in first.words:
        raise Trouble("is not written yet", first.where, BLANK)
    return None if first is None else [first.cause, f"{first.quantity}: {first.words}", first.detail, first.where]


def main() -> None:
    """Answer until nobody asks any more."""
    questions, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    pupil = Pupil()

    def send(message: Message) -> None:
        answers.write(json.dumps(message).encode() + b"\n")
        answers.flush()

    def receive() -> Message:
        line = questions.readline()
        if not line:
            os._exit(0)
        return json.loads(line)

    def ask(message: Message) -> Message:
        send(message)
        return receive()  # the judge does not ask while it is asked

    pupil.end.transport = ask
    send({"value": "ready"})
    while True:
        send(pupil.end.handle(receive()))


if __name__ == "__main__":
    main()
