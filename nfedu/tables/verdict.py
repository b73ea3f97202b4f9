"""What the test rows say: the flow beside a Gaussian and a kernel density estimate, and whether it has won."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nfedu.arrays import Array
from nfedu.tables.baselines import KernelDensity, gaussian
from nfedu.tables.model import TableModel, averaged
from nfedu.tables.splitting import Parts

FEW = 30  # test rows: of fewer, a standard error itself is uncertain
PRINTED = 5e-4  # nats: a gain that prints as 0.000 is rounding, or as good as none


@dataclass
class Verdict:
    """Losses of the test rows in nats, in the table's units: of the flow, and by name of what it is compared with."""

    flow: Array
    others: dict[str, Array]

    def gain(self, name: str) -> tuple[float, float]:
        """Return by how much the flow's loss is less, and the standard error of that, over the rows."""
        return mean_of(self.others[name] - self.flow)

    @property
    def lost(self) -> list[str]:
        """Whom the flow does not beat by more than two standard errors."""
        gains = {name: self.gain(name) for name in self.others}
        return [name for name, (gain, error) in gains.items() if not gain > max(2 * error, PRINTED)]

    @property
    def won(self) -> str:
        """What is said where the flow beats all."""
        few = f", though of {len(self.flow)} test rows only" if len(self.flow) < FEW else ""
        return f"the flow beats them by more than two standard errors{few}"

    def __str__(self) -> str:
        lines = [f"test nll, nats per row, {len(self.flow)} rows (± standard error)", told("flow", self.flow)]
        for name, losses in self.others.items():
            gain, error = self.gain(name)
            lines.append(f"{told(name, losses)}   flow gains {gain:.3f} ± {error:.3f}")
        return "\n".join(lines)


def judge(model: TableModel, parts: Parts) -> Verdict:
    """Return the verdict on a model: all see the same rows, dequantised where columns have steps, supports undone."""
    table, rng = model.table, np.random.default_rng(0)
    supports = table.supports()
    train, validation = (table.dequantise(rows, rng) for rows in (parts.train, parts.validation))
    rivals = {"Gaussian": gaussian(train, supports)}
    if len(train) > 2 * table.n:
        kernels = KernelDensity(train, validation, supports)
        rivals |= {f"KDE, bandwidth {kernels.bandwidth:.2g}": kernels}  # type: ignore[dict-item]
    test = parts.test if not table.stepped else parts.test[:1000]  # for each, many places in its cells
    losses = {name: -averaged(rival, table, test) for name, rival in rivals.items()}
    return Verdict(-averaged(model.flow, table, test), losses)


def advice(model: TableModel, verdict: Verdict, rows: int, epochs: int, usual: int) -> str | None:
    """Return what to do where the flow has not won; None where it has. `usual`: epochs, if one does not say."""
    if not verdict.lost:
        return None
    best = min(verdict.lost, key=lambda name: verdict.others[name].mean())
    name, history, tests = best.partition(",")[0], model.history, len(verdict.flow)
    hardly = f", which {tests} test rows can hardly show" if tests < FEW else ""
    start = f"the flow does not beat the {name} by more than two standard errors{hardly}: "
    if len(history.train) >= epochs and (epochs < usual / 2 or history.best_epoch + 1 >= 0.95 * epochs):
        return start + f"it was still learning; try --epochs {max(3 * epochs, usual)}"
    if history.best_epoch < 0:
        return start + f"training found nothing beyond the Gaussian where it starts; use the {name}, or get more rows"
    if rows < 1000:
        return start + f"{rows} training rows are few; use the {name}, or get more rows"
    larger = (
        "a larger one, as --layers 10"
        if model.table.n == 1
        else "another --model, or a larger one, as --layers 10 --hidden 128 128"
    )
    return start + f"use the {name}, or try {larger}"


def told(name: str, losses: Array) -> str:
    """Return a line: a name, its mean loss and the standard error."""
    mean, error = mean_of(losses)
    return f"  {name:20s} {mean:10.3f} ± {error:.3f}"


def mean_of(values: Array) -> tuple[float, float]:
    """Return the mean and its standard error, NaN of a single value."""
    error = values.std(ddof=1) / np.sqrt(len(values)) if len(values) > 1 else np.nan
    return float(values.mean()), float(error)
