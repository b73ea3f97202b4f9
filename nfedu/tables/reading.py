"""Reading the user's file: a table of text, an array, or a picture, which is a density of its own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.datasets.pictures import PictureDensity
from nfedu.tables.text import read_text

PICTURES = (".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp")
POINTS = 20_000  # drawn from a picture


@dataclass
class Data:
    """Rows of numbers, (N, n), the names of their columns, and where they come from."""

    names: list[str]
    rows: Array
    source: str = "the table"
    lines: Array | None = None  # of a text file: in which line each row stands

    def place(self, row: int) -> str:
        """Return where a row is to be found."""
        return f"{self.source}, row {row + 1}" if self.lines is None else f"{self.source}, line {self.lines[row]}"

    def take(self, names: list[str]) -> Data:
        """Return some of the columns; ValueError for one that is not there."""
        for name in names:
            if name not in self.names:
                raise ValueError(f"{self.source} has no column {name!r}; it has {', '.join(self.names)}")
        columns = [self.names.index(name) for name in names]
        return Data(names, self.rows[:, columns], self.source, self.lines)

    def without(self, names: list[str]) -> Data:
        """Return all columns but these."""
        self.take(names)
        return self.take([name for name in self.names if name not in names])


def read(
    path: str | Path, encoding: str = "utf-8", drop: Sequence[str] = (), only: Sequence[str] | None = None
) -> Data:
    """Return what a file holds; ValueError, of one line, that says where it is wrong and what to do.

    - `.npy`: an array (N, n) or (N,), or a structured one, whose fields are named; `.npz`: the only array in it, or
      arrays of the same length, each a column;
    - a picture: points drawn from the density that is its darkness, always the same ones;
    - else text: commas, semicolons, tabs or spaces between columns, with a line of names or without.

    `drop`: names of columns that are not read, such as those that hold text. `only`: names of those that are, in this
    order, where the file has names.
    """
    path = Path(path)
    if path.is_dir():
        raise ValueError(f"{path} is a folder; expected a .csv, .tsv, .npy, .npz or a picture")
    if not path.is_file():
        raise ValueError(f"there is no file {path}; expected a .csv, .tsv, .npy, .npz or a picture")
    if path.stat().st_size == 0:
        raise ValueError(f"{path} is empty; expected a table with a row for each point")
    if path.suffix.lower() in PICTURES:
        points = PictureDensity(path).sample(POINTS, np.random.default_rng(0))
        return left(Data(["x1", "x2"], points, str(path)), drop, only)
    if path.suffix.lower() in (".npy", ".npz"):
        return left(from_arrays(path), drop, only)
    names, rows, lines = read_text(path, encoding, drop, only)
    return checked(Data(names, rows, str(path), lines))


def nameless(names: Sequence[str]) -> bool:
    """Return whether columns are only numbered, as those of a file are that does not name them."""
    return all(re.fullmatch(r"x\d+", name) for name in names)


def left(data: Data, drop: Sequence[str], only: Sequence[str] | None) -> Data:
    """Return the data without some columns, checked."""
    data = data.without(list(drop))
    return checked(data.take(list(only)) if only and set(only) <= set(data.names) else data)


def from_arrays(path: Path) -> Data:
    """Return the columns of a .npy or .npz file."""
    try:
        with open(path, "rb") as file:
            loaded = np.load(file, allow_pickle=False)
            arrays = dict(loaded) if isinstance(loaded, np.lib.npyio.NpzFile) else {"": loaded}
    except Exception as error:  # a flipped byte makes zipfile, zlib or NumPy's reader raise one of many
        hint = "arrays of objects are not read: save numbers" if "pickle" in str(error) else "save it again"
        raise ValueError(f"{path} is truncated or damaged ({type(error).__name__}); {hint}") from None
    if {"format", "theta"} <= set(arrays):
        raise ValueError(f"{path} is a model or a flow, and no table; expected rows of numbers")
    if len(arrays) == 1:
        return as_data(next(iter(arrays.values())), str(path))
    if not arrays or any(a.ndim != 1 or len(a) != len(next(iter(arrays.values()))) for a in arrays.values()):
        shapes = ", ".join(f"{name} {a.shape}" for name, a in arrays.items())
        raise ValueError(f"{path} holds {shapes or 'no array'}; expected one array (N, n), or columns of one length")
    return as_data(np.stack(list(arrays.values()), axis=1), str(path), list(arrays))


def as_data(array: Any, source: str = "the array", names: list[str] | None = None) -> Data:
    """Return an array (N, n), (N,) or structured (N,) as data; ValueError when it is none of numbers."""
    given = np.ma.asarray(array) if isinstance(array, np.ma.MaskedArray) else np.asarray(array)
    if given.dtype.names:
        names, given = list(given.dtype.names), np.stack([given[name] for name in given.dtype.names], axis=1)
    if isinstance(given, np.ma.MaskedArray) and given.mask.any():
        raise ValueError(f"{source} has {int(given.mask.sum())} masked entries; fill them in, or drop their rows")
    given = np.asarray(given)
    if given.dtype.kind not in "fiub" or given.ndim not in (1, 2) or given.size == 0:
        raise ValueError(f"{source} is {given.dtype} of shape {given.shape}; expected numbers, a row for each point")
    rows = given.reshape(len(given), -1).astype(np.float64)
    names = names or [f"x{i + 1}" for i in range(rows.shape[1])]
    if len(names) != rows.shape[1]:
        raise ValueError(f"{source} has {rows.shape[1]} columns, and {len(names)} names are given")
    return Data(list(names), rows, source)


def checked(data: Data) -> Data:
    """Return the data; ValueError for an entry that is missing or not finite, and names that are not different."""
    bad = np.argwhere(~np.isfinite(data.rows))
    if len(bad):
        row, i = bad[0]
        told = "missing" if np.isnan(data.rows[row, i]) else "infinite"
        raise ValueError(
            f"{data.place(row)}, column {data.names[i]}: the value is {told} ({len(bad)} such entries); "
            f"fill them in, drop these rows, or leave the column out with --drop {data.names[i]}"
        )
    twice = [name for name in data.names if data.names.count(name) > 1]
    if twice:
        raise ValueError(f"{data.source} has two columns named {twice[0]!r}; give each a name of its own")
    return data
