"""What a layer has: the methods that it must have, and its parameters."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.bijections.base import Bijection
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.lines import code_of
from nfedu.parameters import Parameter

DIRECTIONS = ("z_to_x", "x_to_z")
NEEDED = (*DIRECTIONS, "parameters")
MANY = 1000  # things in a list that are looked at


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
