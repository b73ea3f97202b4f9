"""A layer under examination: called, moved and differentiated; what it does instead is a Trouble."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Backward, Mapped
from nfedu.checks.subject.contents import missing_from, parameters_of
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.lines import code_of

Gradients = tuple[Array, dict[str, Array]]  # by the input, and by each parameter


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

    def gradients(self, backward: Backward, g_out: Array, g_log_det: Array) -> Gradients:
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
