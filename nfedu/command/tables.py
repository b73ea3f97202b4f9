"""What the commands on tables share: arguments that say which file, and what its columns are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile, is_zipfile

import numpy as np

from nfedu.arrays import Array
from nfedu.command.layers import Parser
from nfedu.command.writing import Target
from nfedu.tables import Column, Data, Table, TableModel, read
from nfedu.tables.reading import nameless


def add_file(parser: Parser, optional: bool = False) -> None:
    """Add the argument that names the user's data."""
    told = "a table, .csv, .tsv or other text, .npy, .npz, or a picture"
    parser.add_argument("data", metavar="DATA", nargs="?" if optional else None, type=Path, help=told)
    if not optional:
        add_reading(parser)


def add_reading(parser: Parser) -> None:
    """Add what there is to say of reading it."""
    parser.add_argument("--drop", metavar="NAME", nargs="+", action="extend", default=[], help="columns to leave out")
    parser.add_argument("--encoding", default="utf-8", help="of a text file (utf-8)")


def data_of(options: argparse.Namespace) -> Data:
    """Return what the file holds."""
    return read(options.data, options.encoding, options.drop)


def data_for(model: TableModel, options: argparse.Namespace) -> Data:
    """Return what the file holds of a model's columns; the others may hold text."""
    data = read(options.data, options.encoding, options.drop, only=model.names)
    if model.in_order(data) and len(data.names) == len(model.names):
        nobody = data.source if nameless(data.names) else "the model"
        told = f"{nobody} does not name its columns"
        print(f"{told}: they are taken in the model's order, {', '.join(model.names)}", file=sys.stderr)
    return data


def model_of(path: Path) -> TableModel:
    """Return the model in a file; ValueError where a table is, or something else."""
    model = "the model, a .npz file that `nfedu fit` has written, comes first"
    if path.is_file() and (path.suffix != ".npz" or is_zipfile(path)):
        held = arrays_in(path)
        if "theta" in held and "table" not in held:
            raise ValueError(f"{path} is a flow without the table that it was learned from; {model}")
        if "table" not in held:
            raise ValueError(f"{path} is no model; {model}")
    return TableModel.load(path)


def arrays_in(path: Path) -> list[str]:
    """Return the names of the arrays in a .npz file, none if it is something else."""
    if not is_zipfile(path):
        return []
    with ZipFile(path) as file:
        return [name.removesuffix(".npy") for name in file.namelist()]


def seed_of(options: argparse.Namespace) -> int:
    """Return the seed, or raise ValueError."""
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected a whole number ≥ 0")
    return int(options.seed)


def lines_of(table: Table, pieces: Iterable[Array]) -> Iterator[str]:
    """Yield a line of names, then rows as lines of a CSV file: rounded where a column is, else all digits."""
    yield ",".join(map(quoted, table.names))
    for rows in pieces:
        cells = [map(form_of(column), values) for column, values in zip(table.columns, rows.T.tolist(), strict=True)]
        yield from map(",".join, zip(*cells, strict=True))


def form_of(column: Column) -> Callable[[float], str]:
    """Return how a column's numbers are written."""
    if column.whole:
        return "{:.0f}".format
    if column.step is None and column.digits is None:
        return repr
    return "{:.12g}".format if column.step is not None else lambda value: repr(value).removesuffix(".0")


def quoted(name: str) -> str:
    """Return a name as CSV has it."""
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\n') else name


def write(lines: Iterable[str], out: Target | None, told: str) -> None:
    """Write lines to a file, whole or not at all, and say so; or print them."""
    if out is None:
        sys.stdout.writelines(f"{line}\n" for line in lines)
        return
    with out.whole() as temporary, temporary.open("w", encoding="utf-8") as file:
        file.writelines(f"{line}\n" for line in lines)
    print(f"{out}: {told}")


def said_of(options: argparse.Namespace) -> dict[str, Any]:
    """Return what the user says of columns, as `describe` takes it."""
    interval = {name: (bound(name, low), bound(name, high)) for name, low, high in options.interval}
    return {"positive": options.positive, "interval": interval, "whole": options.whole, "real": options.real}


def bound(name: str, text: str) -> float:
    """Return a bound of an interval, or raise ValueError."""
    try:
        value = float(text)
    except ValueError:
        value = np.nan
    if np.isnan(value):
        raise ValueError(
            f"--interval {name}: {text!r} is no number; expected --interval NAME LOW HIGH, which may be inf"
        )
    return value
