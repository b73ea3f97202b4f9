"""`nfedu sample`: new rows from a model."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from nfedu.arrays import Array
from nfedu.command import tables, writing
from nfedu.command.numbers import whole
from nfedu.flow import ROWS
from nfedu.tables import TableModel

DESCRIPTION = """Draw new rows from a model that `fit` has written: a CSV, each number in its column's support."""

EXAMPLES = """examples:
  nfedu sample people.model.npz -n 5                      prints five rows
  nfedu sample people.model.npz -n 1000 --seed 1 --out new.csv

exit code: 0 the rows are written; 2 there is no model to draw from"""

PIECE = 20 * ROWS  # drawn and written at a time
PATIENCE = 30.0  # seconds between two words in a log


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `sample` takes."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="a model that `fit` has written")
    parser.add_argument("-n", "--count", type=whole, default=1000, help="how many rows (1000)")
    parser.add_argument("--seed", type=whole, default=0, help="the same seed draws the same rows (0)")
    writing.add_out(parser, "CSV", "where to write them, instead of printing them")


def run(options: argparse.Namespace) -> int:
    """Draw the rows and write them."""
    model = tables.model_of(options.model)
    if options.count < 1:
        raise ValueError(f"-n {options.count}: expected a whole number ≥ 1")
    given = [("model", options.model)]
    out = options.out and writing.target(options.out, options, given, writing.is_nobodys)
    rng = np.random.default_rng(tables.seed_of(options))
    pieces = pieces_of(model, options.count, rng, shown=out is not None)
    tables.write(tables.lines_of(model.table, pieces), out, f"{options.count} rows of {', '.join(model.names)}")
    return 0


def pieces_of(model: TableModel, count: int, rng: np.random.Generator, shown: bool) -> Iterator[Array]:
    """Yield the rows piece by piece, the same as all at once would be; with a bar, in a log after `PATIENCE`."""
    from tqdm import tqdm

    wait = 0.1 if sys.stderr.isatty() else PATIENCE
    with tqdm(total=count, disable=not shown, desc="sample", leave=False, delay=wait, mininterval=wait) as bar:
        for first in range(0, count, PIECE):
            rows = model.sample(min(PIECE, count - first), rng)
            yield rows
            bar.update(len(rows))
