"""The learner's own lines: where a function is written, and where a call went wrong."""

from __future__ import annotations

import os
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from types import CodeType, TracebackType
from typing import Any

import numpy as np

LIBRARIES = tuple(str(Path(module.__file__).parent) + os.sep for module in (np, sys.modules["nfedu"]))  # type: ignore[arg-type]
HERE = str(Path(__file__).parents[1]) + os.sep  # nfedu/checks/


def line_of(trace: TracebackType | None) -> str:
    """Return "file.py:17, in name" of the innermost line that is the learner's own, of a library's if none is."""
    frames = [f for f in traceback.extract_tb(trace) if not f.filename.startswith(HERE) and f.filename[0] != "<"]
    own = [f for f in frames if not f.filename.startswith(LIBRARIES) and "site-packages" not in f.filename]
    if not frames:
        return ""
    frame = (own or frames)[-1]
    return f"{Path(frame.filename).name}:{frame.lineno}, in {frame.name}"


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


def place_of(thing: Any, method: str) -> str:
    """Return the line where a method is written."""
    code = code_of(getattr(type(thing), method, None))
    return (
        f"{code.co_filename.rpartition('/')[2]}:{code.co_firstlineno}, {method}"
        if code
        else f"{method} of {type(thing).__name__}"
    )
