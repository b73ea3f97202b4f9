"""A table's description: its columns, and what they ask of a model and of its samples."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections import Bijection, OnColumns
from nfedu.tables.columns import Column
from nfedu.tables.reading import Data

EDGE = 1e-6  # of a step: so far dequantised numbers stay off the ends of their cells


class Table:
    """Columns with different names, in order. What a model of them sees is dequantised, what it makes is rounded."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = list(columns)
        self.names = [column.name for column in self.columns]
        self.n = len(self.columns)
        self.steps = np.array([column.step or 0.0 for column in self.columns])

    @property
    def stepped(self) -> bool:
        """Whether any column is dequantised."""
        return bool(self.steps.any())

    def supports(self) -> list[Bijection]:
        """Return the layers, the model's last ones, that take the line to each column's support."""
        maps = [(i, column.support()) for i, column in enumerate(self.columns)]
        return [OnColumns(self.n, support, [i]) for i, support in maps if support is not None]

    def holds(self, rows: Array) -> Array:
        """Return which entries, (N, n), lie in their column's support."""
        return np.stack([column.holds(rows[:, i]) for i, column in enumerate(self.columns)], axis=1)

    def check(self, data: Data) -> None:
        """Raise ValueError with the first entry that its column cannot hold."""
        outside = np.argwhere(~self.holds(data.rows))
        if len(outside):
            row, i = outside[0]
            name, value, column = self.names[i], data.rows[row, i], self.columns[i]
            above_0 = column.low >= 0 and not column.holds(np.zeros(1))[0]
            told = f"; where it can be 0: --interval {name} 0 {column.high:g}"
            hint = told if above_0 and data.rows[:, i].min() == 0 else ""
            raise ValueError(
                f"{data.place(row)}, column {name}: {value:g} cannot be, as the column is described: {column} "
                f"({len(outside)} such entries){hint}"
            )

    def dequantise(self, rows: Array, rng: np.random.Generator) -> Array:
        """Return rows as the model sees them: each stepped entry somewhere in its cell, anew at each call."""
        return self.shifted(rows, rng.random(rows.shape))

    def shifted(self, rows: Array, u: Array) -> Array:
        """Return rows with each stepped entry at the place `u`, 0 … 1, of its cell."""
        return rows + self.steps * (np.clip(u, EDGE, 1 - EDGE) - 0.5)

    def in_cells(self, rows: Array, count: int) -> list[Array]:
        """Return the rows at `count` places of their cells, evenly spread, always the same ones; once if without steps.

        The first stepped column takes evenly spaced places, the others steps of irrational numbers, modulo 1, as by
        powers of φ with φ^d = φ + 1; and as many come from the other end, so that slopes cancel.
        """
        if not self.stepped:
            return [rows]
        stepped = np.flatnonzero(self.steps)
        phi = 2.0
        for _ in range(60):
            phi = (1 + phi) ** (1 / max(len(stepped), 2))
        stride = np.r_[2 / count, phi ** -np.arange(1.0, len(stepped))]
        start = np.r_[1 / count, np.full(len(stepped) - 1, 0.5)]
        places = []
        for k in range(count // 2):
            u = np.full(self.n, 0.5)
            u[stepped] = (start + k * stride) % 1
            places += [u, 1 - u]
        return [self.shifted(rows, u) for u in places]

    def nearest(self, x: Array) -> Array:
        """Return what samples of the model stand for: each entry in its column's support."""
        x = as_batch(x, self.n, self)
        return np.stack([column.nearest(x[:, i]) for i, column in enumerate(self.columns)], axis=1)

    def describe(self) -> list[dict[str, Any]]:
        """Return the columns as plain dictionaries; `Table.of` undoes it."""
        return [asdict(column) for column in self.columns]

    @classmethod
    def of(cls, description: list[dict[str, Any]]) -> Table:
        """Return the table that `describe` tells of."""
        return cls([Column(**{key: frozen(value) for key, value in column.items()}) for column in description])

    def __str__(self) -> str:
        return "; ".join(map(str, self.columns))


def frozen(value: Any) -> Any:
    """Return lists, which is what JSON makes of tuples, as tuples."""
    return tuple(map(frozen, value)) if isinstance(value, list) else value
