"""Anybody's layer, found by its place and built: what `check` and `plot` share."""

from __future__ import annotations

import argparse
import ast
import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.probes.images import images_of_latents
from nfedu.checks.subject.contents import missing_from
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.command.numbers import whole

Parser = argparse.ArgumentParser | argparse._ArgumentGroup


def add_place(parser: Parser, told: str = "FILE.py:CLASS or package.module:CLASS") -> None:
    """Add the argument that says which layer."""
    parser.add_argument("layer", metavar="PLACE", help=told)


def add_arguments(parser: Parser) -> None:
    """Add the arguments that say how it is built, and at which points."""
    parser.add_argument(
        "--n", type=whole, nargs="+", help="the dimension to build it in (its default, or 3); several too"
    )
    more = "more for its constructor, as a=2 or shape=1,4,4; --with again for each"
    parser.add_argument("--with", dest="options", metavar="NAME=VALUE", action="append", default=[], help=more)
    points = "how many data points (7), or your own; they are x of latents z ~ N(0, 1), or of what latents it takes"
    parser.add_argument("--points", default="7", metavar="K|FILE.npy", help=points)
    parser.add_argument("--low", type=float, help="data lie above this, instead")
    parser.add_argument("--high", type=float, help="data lie below this, instead")


def add_seed(parser: Parser, told: str = "of the points and of the layer's own rng (0)") -> None:
    """Add the seed."""
    parser.add_argument("--seed", type=whole, default=0, help=told)


def find(place: str) -> type:
    """Return the class that FILE.py:CLASS or package.module:CLASS names, or raise ValueError."""
    path, _, name = place.replace("::", ":").rpartition(":")
    if not path or not name:
        hint = f"; add the class, as in {place.rstrip(':')}:MyLayer" if Path(place.rstrip(":")).is_file() else ""
        raise ValueError(f"{place!r} names no class; expected FILE.py:CLASS or package.module:CLASS{hint}")
    module = from_file(Path(path)) if path.endswith(".py") or "/" in path else from_package(path)
    found = getattr(module, name, None)
    if not isinstance(found, type):
        classes = [k for k, v in vars(module).items() if inspect.isclass(v) and v.__module__ == module.__name__]
        raise ValueError(f"{path} has no class {name!r}; it has {', '.join(classes) or 'no classes'}")
    return found  # any class with the contract's methods will do


def from_file(path: Path) -> Any:
    """Run a Python file and return it as a module."""
    if not path.is_file():
        raise ValueError(f"there is no file {path}; expected FILE.py:CLASS or package.module:CLASS")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise ValueError(f"{path} is no Python file; expected FILE.py:CLASS")
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module  # where dataclasses and pickle look for it
    sys.path.insert(0, str(path.resolve().parent))  # so that the file's own imports work
    try:
        guarded(spec.loader.exec_module, module)
    except Trouble as trouble:
        raise ValueError(f"{path} cannot be imported: {told(trouble)}") from trouble
    return module


def from_package(name: str) -> Any:
    """Import a module by its dotted name, the working folder's too."""
    sys.path.insert(0, str(Path.cwd()))
    try:
        return guarded(importlib.import_module, name)
    except Trouble as trouble:
        raise ValueError(f"{name} cannot be imported: {told(trouble)}; a file is given as FILE.py:CLASS") from trouble


def literals(options: list[str]) -> dict[str, Any]:
    """Return NAME=VALUE pairs as a dict; a value is a Python literal, or else the text itself."""
    found = {}
    for option in options:
        name, equals, text = option.partition("=")
        if not equals or not name.isidentifier():
            raise ValueError(f"--with {option}: expected NAME=VALUE, as in --with hidden=16,16")
        try:
            found[name] = ast.literal_eval(text)
        except (ValueError, SyntaxError):
            found[name] = text
    return found


class Builder:
    """A constructor as a function of n, and of a shift of the seed; `n` and `rng` are passed where it asks for them.

    Each call gives a new layer, the same for the same n. n = None is the constructor's own default, or 3.
    """

    def __init__(self, layer: type, options: dict[str, Any], seed: int) -> None:
        self.layer, self.options, self.seed = layer, options, seed
        wanted = guarded(inspect.signature, layer).parameters
        wanted = {k: p for k, p in wanted.items() if p.kind is not p.POSITIONAL_ONLY or p.default is p.empty}
        anything = any(p.kind is p.VAR_KEYWORD for p in wanted.values())
        unknown = [] if anything else sorted(set(options) - set(wanted))
        if unknown:
            raise ValueError(f"{layer.__name__} takes no {unknown[0]!r}; it takes {', '.join(wanted) or 'nothing'}")
        named = [p for p in wanted.values() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)]
        self.required = [p.name for p in named if p.default is p.empty]
        missing = [k for k in self.required if k not in ("n", "rng", *options)]
        if missing:
            raise ValueError(f"{layer.__name__} needs {missing[0]!r}; give it a default, or --with {missing[0]}=VALUE")
        self.takes_n = "n" in wanted and "n" not in options
        self.takes_rng = "rng" in wanted and "rng" not in options

    def __call__(self, n: int | None, shift: int = 0) -> Any:
        """Build it; raise Trouble where the constructor does, ValueError where what it builds is no layer."""
        offered = {**self.options}
        if self.takes_n and (n is not None or "n" in self.required):
            offered["n"] = 3 if n is None else n
        if self.takes_rng:
            offered["rng"] = np.random.default_rng([self.seed, shift] if shift else self.seed)
        built = guarded(lambda: self.layer(**offered))
        absent = missing_from(built)
        name = self.layer.__name__
        if absent:
            raise ValueError(told(absent))
        dimension = guarded(getattr, built, "n", None)
        if isinstance(dimension, bool) or not isinstance(dimension, int | np.integer) or dimension < 1:
            said = "is missing" if dimension is None else f"is {dimension!r}"
            raise ValueError(f"{name}: its attribute n {said}, expected an integer ≥ 1, the dimension")
        return built


def data_for(layer: Any, options: argparse.Namespace) -> Array:
    """Return data points (N, n) in the layer's domain.

    The user's own with --points FILE.npy; uniform in (--low, --high); those of the layer's `example(rng, N)`; or else
    the images of latents, normal ones where the layer takes them.
    """
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected an integer ≥ 0")
    rng = np.random.default_rng([options.seed, 7])
    if not str(options.points).isdecimal():
        return own_points(options.points, layer.n)
    count = int(options.points)
    if count < 2:
        raise ValueError(f"--points {count}: expected at least 2, to see whether rows stay on their own")
    low, high = options.low, options.high
    if not all(bound is None or abs(bound) < 1e150 for bound in (low, high)):
        raise ValueError(f"--low {low} --high {high}: expected finite numbers")
    if low is not None or high is not None:
        if low is not None and high is not None:
            if not low < high:
                raise ValueError(f"--low {low} --high {high}: expected low < high")
            return low + (high - low) * rng.uniform(0.03, 0.97, (count, layer.n))
        draws = np.exp(rng.standard_normal((count, layer.n)))
        return low + draws if low is not None else high - draws
    if callable(guarded(getattr, layer, "example", None)):
        x = guarded(lambda: np.asarray(layer.example(rng, count)))
        if x.shape != (count, layer.n) or x.dtype.kind not in "fiu" or not np.isfinite(x).all():
            raise ValueError(
                f"example(rng, {count}) gave shape {x.shape}, expected finite numbers ({count}, {layer.n})"
            )
        return x.astype(np.float64)
    return images_of_latents(layer, rng, count)


def own_points(path: str, n: int) -> Array:
    """Return the points of a .npy file, (N, n) finite numbers, or raise ValueError."""
    try:
        x = np.load(path, allow_pickle=False)
    except (OSError, ValueError, EOFError) as problem:
        raise ValueError(f"--points {path}: expected a number or a readable .npy file ({problem})") from problem
    if not isinstance(x, np.ndarray) or x.dtype.kind not in "fiu" or x.ndim != 2 or x.shape[1] != n or len(x) < 2:
        shape = getattr(x, "shape", None)
        raise ValueError(f"--points {path}: shape {shape}, expected (N, {n}) numbers with N ≥ 2")
    if not np.isfinite(x).all():
        raise ValueError(f"--points {path}: holds NaN or infinity; drop such rows")
    return x.astype(np.float64)


def told(trouble: Trouble) -> str:
    """Return a trouble's words and its line, as one line."""
    return trouble.words + (f" ({trouble.where})" if trouble.where else "")
