"""From a table to a model of it: checked, split, trained, compared. What `python -m nfedu fit` does."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np

from nfedu import models
from nfedu.arrays import Array, is_whole
from nfedu.tables.describing import describe
from nfedu.tables.faults import check_density
from nfedu.tables.model import TableModel
from nfedu.tables.reading import Data, as_data
from nfedu.tables.splitting import Parts, parts_of
from nfedu.tables.table import Table
from nfedu.tables.verdict import Verdict, advice, judge
from nfedu.training import Adam, fit
from nfedu.training.session import Progress

MODELS = {"nice": models.nice, "real_nvp": models.real_nvp, "maf": models.maf, "iaf": models.iaf}
RATES = (1e-2, 3e-3)  # of learning, for a single column and for more
PATIENCE = (30, 200)  # epochs without gain, at least and at most; a quarter of all in between
DECAY = 0.1  # of the weights
STEPS = (1000, 4000)  # of the optimizer, at least and at most, unless epochs are given
WORK = 1.2e11  # rows × parameters met in training, in between: about a minute on two cores
DRAWS = 8  # of noise for the validation rows, where columns are dequantised


@dataclass
class Learned:
    """A model, the parts of the rows that make it, for how many epochs at most, and the noise that it is made with."""

    model: TableModel
    parts: Parts
    epochs: int
    batch: int
    rng: np.random.Generator

    def train(self, checkpoint: str | Path | None = None, progress: Progress = True) -> None:
        """Fit the model; θ ends where the validation loss is least, the start included. Arguments: see `fit`.

        An average of θ, a learning rate that falls to zero, weight decay and fresh noise, as for the digits.
        """
        flow, table = self.model.flow, self.model.table
        draws = DRAWS if table.stepped else 1
        validation = np.concatenate([table.dequantise(self.parts.validation, self.rng) for _ in range(draws)])
        self.model.history = fit(
            flow,
            self.parts.train,
            rng=self.rng,
            validation=validation,
            optimizer=Adam(RATES[flow.n > 1]),
            batch_size=self.batch,
            epochs=self.epochs,
            patience=max(PATIENCE[0], min(self.epochs // 4, PATIENCE[1])),
            transform=table.dequantise if table.stepped else None,
            average=0.99,
            weight_decay=DECAY,
            anneal=True,
            checkpoint=checkpoint,
            progress=progress,
        )

    def seconds(self) -> float:
        """Return how long the training may take at most, by the time of a step, and of a validation, here and now."""
        flow, rng = self.model.flow, np.random.default_rng(0)
        train, validation = (self.model.table.dequantise(part, rng) for part in self.parts[:2])
        step = min(seconds_of(lambda: flow.nll(train[: self.batch])) for _ in range(3))
        draws = DRAWS if self.model.table.stepped else 1
        judging = draws * min(seconds_of(lambda: flow.log_prob(validation)) for _ in range(3))
        return self.epochs * (step * -(-len(train) // self.batch) + judging)

    def verdict(self) -> Verdict:
        """Return the test rows' losses, beside those of a Gaussian and a kernel density estimate."""
        return judge(self.model, self.parts)

    def advice(self, verdict: Verdict) -> str | None:
        """Return what to do where the flow has not won."""
        usual = epochs_for(len(self.parts.train), self.batch, self.model.flow.theta.size)
        return advice(self.model, verdict, len(self.parts.train), self.epochs, usual)


def learn(
    data: Data | Array,
    table: Table | None = None,
    *,
    checkpoint: str | Path | None = None,
    progress: Progress = True,
    **options: Any,
) -> Learned:
    """Return a model of the rows, trained with all defaults that `fit` leaves open, and what is needed to judge it.

    `data`: what `read` returned, or an array (N, n). `table`: its description, or else what is said of its columns:
    `positive=["income"]`, `interval={"rate": (0, 1)}`, `whole=["count"]`, `real=["x1"]`; an array's are x1 … xn, or
    have the names that `as_data` gives them. `model`: maf, real_nvp, nice or iaf; `seed`, `epochs`, `layers` and
    `hidden` are those of `fit` on the command line. `checkpoint`, `progress`: see `nfedu.fit`. Ctrl-C ends the
    training, with θ at its best and `history.interrupted`. Raises ValueError for columns without a density, and what
    else is wrong with data.
    """
    learned = untrained(data, table, **options)
    learned.train(checkpoint, progress)
    return learned


def untrained(
    data: Data | Array,
    table: Table | None = None,
    *,
    model: str = "maf",
    seed: int = 0,
    epochs: int | None = None,
    layers: int | None = None,
    hidden: Sequence[int] | None = None,
    **said: Any,
) -> Learned:
    """Return a model of the rows at its start, the Gaussian, and all that its training needs.

    `data`: what `read` returned, or an array (N, n). `table`: its description, or else by `describe` with what is
    `said`: `positive=["income"]`, `interval={"rate": (0, 1)}`, `whole=["count"]`. Raises ValueError for columns without
    a density, and what else is wrong with data.
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
    return Learned(TableModel(flow, table), parts, epochs or epochs_for(len(start), batch, flow.theta.size), batch, rng)


def epochs_for(rows: int, batch: int, parameters: int) -> int:
    """Return how long to train: 4000 steps, fewer where each is long."""
    return max(4, round(np.clip(WORK / (batch * parameters), *STEPS) / -(-rows // batch)))


def seconds_of(call: Callable[[], object]) -> float:
    """Return how long a call takes."""
    start = perf_counter()
    call()
    return perf_counter() - start
