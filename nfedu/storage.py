"""Files: a flow as one `.npz` without pickle, holding what it is built of (JSON) and its theta.

A layer is described by its class and the arguments of its constructor, each kept in an attribute of the same name
(`rng` apart). So a layer of your own can be saved too, when it follows that habit, and loaded with
`load(path, classes=[YourLayer])`.
"""

from __future__ import annotations

import inspect
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array

FORMAT = "nfedu flow 1"


def describe(thing: Any) -> Any:
    """Return a layer, distribution or argument as plain lists, numbers, strings and dictionaries."""
    if thing is None or isinstance(thing, bool | int | float | str):
        return thing
    if isinstance(thing, np.ndarray | np.generic):
        return thing.tolist()
    if isinstance(thing, list | tuple):
        return [describe(item) for item in thing]
    arguments = [name for name in inspect.signature(type(thing)).parameters if name != "rng"]
    missing = [name for name in arguments if not hasattr(thing, name)]
    if missing:
        raise ValueError(
            f"{type(thing).__name__} cannot be saved: it keeps no attribute {missing[0]!r} for that argument"
        )
    return {"class": type(thing).__name__, "args": {name: describe(getattr(thing, name)) for name in arguments}}


def rebuild(description: Any, classes: dict[str, type]) -> Any:
    """Undo `describe`; ValueError when a class is not among `classes`."""
    if isinstance(description, list):
        return [rebuild(item, classes) for item in description]
    if not isinstance(description, dict):
        return description
    name = description["class"]
    if name not in classes:
        raise ValueError(f"the file holds a {name}, which nfedu does not have; pass load(path, classes=[{name}])")
    arguments = {key: rebuild(value, classes) for key, value in description["args"].items()}
    if "rng" in inspect.signature(classes[name]).parameters:
        arguments["rng"] = np.random.default_rng(0)  # fills the weights that theta overwrites
    return classes[name](**arguments)


def rebuild_flow(path: str | Path, flow: type, description: dict[str, Any], classes: dict[str, type]) -> Any:
    """Return the flow that `description` tells of; ValueError when it makes no sense."""
    try:
        parts = {key: rebuild(part, classes) for key, part in description.items()}
        return flow(**parts)
    except (TypeError, AttributeError, KeyError) as error:
        raise ValueError(f"cannot load {path}: its description makes no flow ({error}); save the flow again") from None


def write(path: str | Path, description: dict[str, Any], theta: Array, **beside: Array) -> None:
    """Write a flow's description and theta, and arrays beside them; ValueError for a name that is not `.npz`."""
    if Path(path).suffix != ".npz":
        raise ValueError(f"cannot save to {path}: expected a name that ends in .npz")
    own = {"format": np.array(FORMAT), "description": np.array(json.dumps(description)), "theta": theta}
    write_arrays(path, **own, **beside)


def write_arrays(path: str | Path, **arrays: Array) -> None:
    """Write an `.npz` file, whole or not at all; ValueError where its folder does not exist."""
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"cannot save to {path}: the folder {path.parent} does not exist; create it first")
    with whole(path) as temporary, open(temporary, "wb") as file:
        np.savez(file, **arrays)  # type: ignore[arg-type]


@contextmanager
def whole(path: Path) -> Iterator[Path]:
    """Yield a temporary name in the same folder, which becomes the file at the end, unless anything is raised."""
    temporary = path.with_name(f"{path.name}.{os.getpid()}.part")
    try:
        yield temporary
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def read(path: str | Path) -> tuple[dict[str, Any], Array]:
    """Return (description, theta); ValueError when the file is missing, damaged, or something else."""
    kind, text, theta = read_arrays(path, "format", "description", "theta")
    if str(kind) != FORMAT:
        raise ValueError(f"cannot read {path}: its format is {kind}, expected {FORMAT!r}; save the flow again")
    return json.loads(str(text)), theta


def read_arrays(path: str | Path, *names: str) -> list[Array]:
    """Return arrays of an `.npz` file by name; ValueError when it is missing, truncated, damaged, or has them not."""
    if not Path(path).is_file():
        raise ValueError(f"cannot read {path}: no such file; expected a .npz file with {', '.join(names)}")
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as arrays:
            return [arrays[name] for name in names]
    except Exception as error:  # a flipped byte makes zipfile, zlib, NumPy's reader or its parser raise one of many
        kind = type(error).__name__
        raise ValueError(
            f"cannot read {path}: truncated or damaged, or no .npz file with {', '.join(names)} ({kind}); save it again"
        ) from None
