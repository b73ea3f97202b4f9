"""A flow of a table: densities and samples in the table's own numbers, and one file that holds both."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from nfedu import storage
from nfedu.analytic import log_sum_exp
from nfedu.arrays import Array, as_batch, as_count
from nfedu.flow import Flow, load
from nfedu.tables.reading import Data, nameless
from nfedu.tables.table import Table
from nfedu.training.checkpoint import History

PLACES = 32  # in a cell, over which a density is averaged


class TableModel:
    """A flow of rows as they are dequantised, and the table that says what they are.

    `table.supports()` are the flow's last layers, so that no sample leaves its column's support.
    """

    def __init__(self, flow: Flow, table: Table, history: History | None = None) -> None:
        self.flow, self.table, self.history = flow, table, history or History()
        self.names = table.names

    def log_prob(self, data: Data | Array) -> Array:
        """Return the log density of each row in nats, in the table's units; −∞ where a row cannot be.

        Whole numbers enter with their probability, other stepped columns with that over the step: see `Column`.
        """
        rows = self.rows_of(data)
        inside = self.table.holds(rows).all(axis=1)
        log_p = np.full(len(rows), -np.inf)
        if inside.any():
            log_p[inside] = averaged(self.flow, self.table, rows[inside])
        return log_p

    def sample(self, count: int, rng: np.random.Generator) -> Array:
        """Draw `count` rows, (count, n), each entry in its column's support."""
        return self.table.nearest(self.flow.sample(as_count(count, rng, self), rng))

    def rows_of(self, data: Data | Array) -> Array:
        """Return the rows, (N, n), of the model's columns: by name, or, if they have none, in order."""
        if not isinstance(data, Data):
            return as_batch(data, self.table.n, self).astype(np.float64)
        if not self.in_order(data):
            return data.take(self.names).rows
        if len(data.names) != self.table.n:
            told = f"{data.source} has no columns of the model's names, and not as many"
            raise ValueError(f"{told}: it has {', '.join(data.names)}, the model {', '.join(self.names)}")
        return data.rows

    def in_order(self, data: Data) -> bool:
        """Return whether columns are taken in the model's order, for want of names in either."""
        return not set(self.names) <= set(data.names) and (nameless(self.names) or nameless(data.names))

    def save(self, path: str | Path) -> None:
        """Write the model to one `.npz` file, whole or not at all; `nfedu.load` returns its flow alone."""
        text = {"table": self.table.describe(), "history": asdict(self.history)}
        self.flow.save(path, table=np.array(json.dumps(text)))

    @classmethod
    def load(cls, path: str | Path) -> TableModel:
        """Return the model that `save` wrote; ValueError where there is none, or a damaged one."""
        (text,) = storage.read_arrays(path, "table")
        described: dict[str, Any] = json.loads(str(text))
        return cls(load(path), Table.of(described["table"]), History(**described["history"]))

    def __repr__(self) -> str:
        return f"TableModel({self.flow!r}, {self.table})"


def averaged(density: Any, table: Table, rows: Array) -> Array:
    """Return the log of a density's mean over each row's cells, (N,), by PLACES points, the same for all compared.

    Where cells are as wide as a deviation, a row in the tails may be off by 0.03 nats with two stepped columns, by 0.1
    and more with three; means over rows by less than a tenth of that.
    """
    log_p = np.stack([density.log_prob(x) for x in table.in_cells(rows, PLACES)])
    return log_sum_exp(log_p, axis=0) - np.log(len(log_p))
