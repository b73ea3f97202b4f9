"""What the commands on tables share: arguments that say which file, and what its columns are."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.tables import Data, Table, TableModel, read


def add_file(parser: argparse.ArgumentParser, optional: bool = False) -> None:
    """Add the argument that names the user's data."""
    told = "a table, .csv, .tsv or other text, .npy, .npz, or a picture"
    parser.add_argument("data", metavar="DATA", nargs="?" if optional else None, type=Path, help=told)
    add_reading(parser)


def add_reading(parser: argparse.ArgumentParser) -> None:
    """Add what there is to say of reading it."""
    parser.add_argument("--drop", metavar="NAME", nargs="+", action="extend", default=[], help="columns to leave out")
    parser.add_argument("--encoding", default="utf-8", help="of a text file (utf-8)")


def data_of(options: argparse.Namespace) -> Data:
    """Return what the file holds."""
    return read(options.data, options.encoding, options.drop)


def data_for(model: TableModel, options: argparse.Namespace) -> Data:
    """Return what the file holds of a model's columns; the others may hold text."""
    return read(options.data, options.encoding, options.drop, only=model.names)


def model_of(path: Path) -> TableModel:
    """Return the model in a file."""
    return TableModel.load(path)


def seed_of(options: argparse.Namespace) -> int:
    """Return the seed, or raise ValueError."""
    if options.seed < 0:
        raise ValueError(f"--seed {options.seed}: expected a whole number ≥ 0")
    return int(options.seed)


def lines_of(table: Table, rows: Array) -> list[str]:
    """Return a line of names and rows as lines of a CSV file: whole numbers without a point, others to their digits."""
    written = [[cell(table, i, value) for i, value in enumerate(row)] for row in rows.tolist()]
    return [",".join(map(quoted, table.names)), *(",".join(row) for row in written)]


def cell(table: Table, i: int, value: float) -> str:
    """Return a number as text: rounded where the column is, else all its digits."""
    if table.columns[i].whole:
        return f"{value:.0f}"
    return repr(value) if table.columns[i].step is None else f"{value:.12g}"


def quoted(name: str) -> str:
    """Return a name as CSV has it."""
    return '"' + name.replace('"', '""') + '"' if any(mark in name for mark in ',"\n') else name


def write(lines: Sequence[str], out: Path | None, told: str) -> None:
    """Write lines to a file, whole or not at all, and say so; or print them."""
    text = "\n".join(lines) + "\n"
    if out is None:
        sys.stdout.write(text)
        return
    temporary = out.with_name(f"{out.name}.part")
    try:
        temporary.write_text(text, encoding="utf-8")
        temporary.replace(out)
    except OSError as problem:
        raise ValueError(f"--out {out} cannot be written: {problem.strerror}") from problem
    finally:
        temporary.unlink(missing_ok=True)
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
