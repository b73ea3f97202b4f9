"""From a table to a model of it: checked, split, trained, compared. What `python -m nfedu fit` does."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from nfedu import models
from nfedu.arrays import Array, is_whole
from nfedu.flow import Flow
from nfedu.tables.describing import describe
from nfedu.tables.faults import check_density
from nfedu.tables.model import TableModel
from nfedu.tables.reading import Data, as_data
from nfedu.tables.splitting import Parts, parts_of
from nfedu.tables.table import Table
from nfedu.tables.verdict import Verdict, advice, judge
from nfedu.training import Adam, History, fit

MODELS = {"nice": models.nice, "real_nvp": models.real_nvp, "maf": models.maf, "iaf": models.iaf}
RATES = (1e-2, 3e-3)  # of learning, for a single column and for more
DECAY = 0.1  # of the weights
STEPS = (1000, 4000)  # of the optimizer, at least and at most, unless epochs are given
WORK = 1.2e11  # rows × parameters met in training, in between: about a minute on two cores
DRAWS = 8  # of noise for the validation rows, where columns are dequantised


@dataclass
class Learned:
    """A model, the parts of the rows that made it, and how many epochs it was to be trained for."""

    model: TableModel
    parts: Parts
    epochs: int

    def verdict(self) -> Verdict:
        """Return the test rows' losses, beside those of a Gaussian and a kernel density estimate."""
        return judge(self.model, self.parts)

    def advice(self, verdict: Verdict) -> str | None:
        """Return what to do where the flow has not won."""
        return advice(self.model, verdict, len(self.parts.train), self.epochs)


def learn(
    data: Data | Array,
    table: Table | None = None,
    *,
    model: str = "maf",
    seed: int = 0,
    epochs: int | None = None,
    layers: int | None = None,
    hidden: Sequence[int] | None = None,
    checkpoint: str | Path | None = None,
    progress: bool = True,
    **said: Any,
) -> Learned:
    """Return a model of the rows, trained with all defaults that `fit` leaves open, and what is needed to judge it.

    `data`: what `read` returned, or an array (N, n). `table`: its description, or else by `describe` with what is
    `said`: `positive=["income"]`, `interval={"rate": (0, 1)}`, `whole=["count"]`. `checkpoint`: see `fit`. Ctrl-C ends
    the training, with θ at its best. Raises ValueError for columns without a density, and what else is wrong with data.
    """
    data = data if isinstance(data, Data) else as_data(data)
    if model not in MODELS:
        raise ValueError(f"model = {model!r}, expected one of {', '.join(MODELS)}")
    if epochs is not None and not is_whole(epochs, 1):
        raise ValueError(f"epochs = {epochs}, expected a whole number ≥ 1")
    check_density(data)
    parts, rng = parts_of(data.rows, seed), np.random.default_rng(seed)
    table = describe(data, rows=parts.train, **said) if table is None else table
    start = table.dequantise(parts.train, rng)
    flow = MODELS[model](table.n, start, supports=table.supports(), layers=layers, hidden=hidden, rng=rng)
    batch = int(np.clip(len(start) // 20, 100, 1000))
    epochs = epochs or epochs_for(len(start), batch, flow.theta.size)
    options: dict[str, Any] = {"batch_size": batch, "epochs": epochs, "checkpoint": checkpoint, "progress": progress}
    return Learned(TableModel(flow, table, train(flow, table, parts, rng, options)), parts, epochs)


def epochs_for(rows: int, batch: int, parameters: int) -> int:
    """Return how long to train: 4000 steps, fewer where each is long."""
    return max(4, round(np.clip(WORK / (batch * parameters), *STEPS) / -(-rows // batch)))


def train(flow: Flow, table: Table, parts: Parts, rng: np.random.Generator, options: dict[str, Any]) -> History:
    """Fit the flow; θ ends where the validation loss is least, the start included.

    An average of θ, a learning rate that falls to zero, weight decay and fresh noise, as for the digits.
    """
    draws = DRAWS if table.stepped else 1
    validation = np.concatenate([table.dequantise(parts.validation, rng) for _ in range(draws)])
    options["patience"] = max(30, options["epochs"] // 4)
    options |= {"average": 0.99, "weight_decay": DECAY, "anneal": True}
    if table.stepped:
        options["transform"] = table.dequantise
    return fit(flow, parts.train, rng=rng, validation=validation, optimizer=Adam(RATES[flow.n > 1]), **options)
