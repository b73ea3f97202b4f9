"""`nfedu score`: how likely each row of a table is under a model."""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np

from nfedu.arrays import Array
from nfedu.command import tables, writing
from nfedu.command.numbers import whole
from nfedu.tables import Data, TableModel
from nfedu.tables.verdict import mean_of

DESCRIPTION = """Print the log density of a table's rows in nats, in the table's units: their mean, and the least
likely rows. Whole numbers enter with their probability; a row that cannot be, as its columns are described, has −∞."""

EXAMPLES = """examples:
  nfedu score people.model.npz people.csv                 the mean, and the ten least likely rows
  nfedu score people.model.npz new.csv --out scores.csv   a line for each row: where it stands, its log density

exit code: 0 the rows are scored; 1 none of them can be, as described; 2 there is no model, or no such table"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `score` takes."""
    parser.add_argument("model", metavar="MODEL", type=Path, help="a model that `fit` has written")
    tables.add_file(parser)
    parser.add_argument("--least", type=whole, default=10, metavar="K", help="how many unlikely rows to name (10)")
    writing.add_out(parser, "CSV", "where to write the log density of each row")


def run(options: argparse.Namespace) -> int:
    """Score the rows, name the least likely ones."""
    model = tables.model_of(options.model)
    given = [("model", options.model), ("data", options.data)]
    out = options.out and writing.target(options.out, options, given, writing.is_scores)
    data = tables.data_for(model, options)
    log_p = model.log_prob(data)
    name, places = ("row", range(1, len(log_p) + 1)) if data.lines is None else ("line", data.lines.tolist())
    if out:
        lines = [f"{place},{value!r}" for place, value in zip(places, log_p.tolist(), strict=True)]
        tables.write([f"{name},log_density", *lines], out, f"the log density of {len(lines)} rows")
    possible = np.isfinite(log_p)
    told = f"{len(log_p)} rows"
    if possible.any():
        mean, error = mean_of(log_p[possible])
        which = "" if possible.all() else f" of {possible.sum()} of them"
        told += f", mean log density{which} {mean:.3f}" + (f" ± {error:.3f}" if possible.sum() > 1 else "") + " nats"
    print(told + ("" if possible.all() else impossible(model, data, int((~possible).sum()))))
    for row in np.argsort(log_p, kind="stable")[: max(options.least, 0)]:
        print(f"  {name} {places[row]}: {log_p[row]:.2f}  {row_of(model, data, row)}")
    return 0 if possible.any() else 1


def impossible(model: TableModel, data: Data, count: int) -> str:
    """Return that so many rows cannot be, and how many entries of which columns."""
    outside = (~model.table.holds(model.rows_of(data))).sum(axis=0)
    told = [f"{column}: {entries}" for column, entries in zip(model.table.columns, outside, strict=True) if entries]
    return f"; {count} that cannot be, as columns are described" + (f" ({', '.join(told)})" if told else "")


def row_of(model: TableModel, data: Data, row: Array) -> str:
    """Return a row's numbers with their names."""
    return ", ".join(f"{name} {value:g}" for name, value in zip(model.names, model.rows_of(data)[row], strict=True))
