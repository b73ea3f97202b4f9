"""A model of a table, pictured: data against samples, what the layers do, how training went."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections import FixedAffine
from nfedu.plotting.stages import show_stage, stages
from nfedu.plotting.style import DATA, LATENT
from nfedu.tables import Data, TableModel

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

COLUMNS = 6  # pictured at most
POINTS = 2000  # of the data and of the samples
SHOWN = 4  # stages after the base


def table_portrait(model: TableModel, data: Data | None = None, seed: int = 0) -> Figure:
    """Return a picture of a model beside its data, if they are given.

    One column: density, warp, training. Two: the plane after some of the layers, in whitened coordinates; data,
    density, training. More: every pair of the first six columns, data below the diagonal and samples above it.
    """
    from matplotlib import pyplot as plt

    rng = np.random.default_rng(seed)
    samples = model.sample(POINTS, rng)
    rows = None if data is None else model.rows_of(data)
    if rows is not None and len(rows) > POINTS:
        rows = rows[rng.choice(len(rows), POINTS, replace=False)]
    n = model.table.n
    if n == 1:
        figure, axes = plt.subplots(1, 3, figsize=(10, 3))
        show_marginal(axes[0], model, rows, samples, 0)
        show_line(axes[1], model)
        show_training(axes[2], model)
    elif n == 2:
        figure, grid = plt.subplots(2, SHOWN + 1, figsize=(2.1 * (SHOWN + 1), 4.4))
        show_stages(grid[0], model)
        axes = grid[1]
        show_pair(axes[0], model, rows, DATA, (0, 1), samples, "data")
        show_pair(axes[1], model, samples, LATENT, (0, 1), samples, "samples")
        show_marginal(axes[2], model, rows, samples, 0)
        show_marginal(axes[3], model, rows, samples, 1)
        show_training(axes[4], model)
    else:
        figure = pairs(model, rows, samples)
    return figure


def pairs(model: TableModel, rows: Array | None, samples: Array) -> Figure:
    """Return the pairs of columns: data below the diagonal, samples above it, both on it; the training curve beside."""
    from matplotlib import pyplot as plt

    k = min(model.table.n, COLUMNS)
    figure, axes = plt.subplots(k, k + 1, figsize=(1.7 * (k + 1) + 0.6, 1.6 * k), squeeze=False)
    for i in range(k):
        for j in range(k):
            if i == j:
                show_marginal(axes[i, j], model, rows, samples, i, legend=i == 0)
            else:
                shown, colour = (samples, LATENT) if j > i else (rows, DATA)
                show_pair(axes[i, j], model, shown, colour, (j, i), samples)
        axes[i, k].set_axis_off()
    axes[0, k].set_axis_on()
    show_training(axes[0, k], model)
    return figure


def show_pair(
    axes: Axes, model: TableModel, rows: Array | None, colour: str, pair: tuple[int, int], like: Array, title: str = ""
) -> None:
    """Scatter two columns of some rows, over the range of others, so that panels compare; blank without rows."""
    i, j = pair
    if rows is not None:
        axes.scatter(rows[:, i], rows[:, j], s=2, color=colour, alpha=0.5, linewidths=0)
    axes.set(xlim=range_of(like[:, i]), ylim=range_of(like[:, j]), xlabel=model.names[i], ylabel=model.names[j])
    axes.set_title(title)
    few_ticks(axes)


def show_marginal(
    axes: Axes, model: TableModel, rows: Array | None, samples: Array, i: int, legend: bool = True
) -> None:
    """Draw the histograms of a column, of data and of samples; bars are equally many steps wide, if it has any."""
    low, high = range_of(samples[:, i])
    bins: Any = np.linspace(low, high, 41)
    if step := model.table.steps[i]:
        origin, width = model.table.columns[i].origin, step * np.ceil((high - low) / (60 * step))
        first = origin + step * np.floor((low - origin) / step)
        bins = np.arange(first - step / 2, high + width, width)
    if rows is not None:
        axes.hist(rows[:, i], bins, density=True, color=DATA, alpha=0.5, label="data")
    axes.hist(samples[:, i], bins, density=True, color=LATENT, histtype="step", label="samples")
    axes.set(xlim=(low, high), xlabel=model.names[i], yticks=[])
    few_ticks(axes)
    if legend:
        axes.legend(fontsize=7, ncol=2, loc="lower left", bbox_to_anchor=(0, 1), borderpad=0, handlelength=1)


def show_training(axes: Axes, model: TableModel) -> None:
    """Draw the losses of training and validation by epochs, and mark the θ that was kept."""
    history = model.history
    axes.plot(history.train, color="0.6", label="training")
    axes.plot(history.validation, color="black", label="validation")
    if history.best_epoch >= 0:
        axes.plot(history.best_epoch, history.best, "o", color="tab:red", ms=4, label="kept")
    if history.validation:
        axes.set_ylim(*range_of(np.array(history.validation + history.train[1:])))
    axes.set(xlabel="epoch", title="nll, nats per row")
    if history.train:
        axes.legend(fontsize=7)


def show_stages(axes: Any, model: TableModel) -> None:
    """Draw the density after some of the learned layers, which end before the data's own scale comes in."""
    layers = learned_layers(model)
    all_stages = stages(model.flow.base, layers)
    for ax, m in zip(axes, np.linspace(0, len(layers), len(axes)).round().astype(int), strict=True):
        title = "the base" if m == 0 else f"after layer {m} of {len(layers)}"
        show_stage(None, ax, all_stages[m], title, 3.5, 150)


def show_line(axes: Axes, model: TableModel) -> None:
    """Draw the map from z to the column, and the straight one that it started as."""
    z = np.linspace(-3.5, 3.5, 400)[:, None]
    x = stages(model.flow.base, learned_layers(model))[-1].z_to_x(z)
    axes.plot(z, z, color="0.7", label="at the start")
    axes.plot(z, x, color=LATENT, label="learned")
    axes.set(xlabel="$z$", ylabel=f"{model.names[0]}, whitened", title="the warp")
    axes.legend(fontsize=7)


def learned_layers(model: TableModel) -> list[Any]:
    """Return the flow's layers up to the fixed one that whitens."""
    layers = model.flow.bijection.bijections
    fixed = [m for m, layer in enumerate(layers) if isinstance(layer, FixedAffine)]
    return layers[: fixed[0]] if fixed else layers


def range_of(values: Array) -> tuple[float, float]:
    """Return a range that holds all but the most extreme values, with a margin."""
    low, high = np.quantile(values, [0.002, 0.998])
    margin = 0.08 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def few_ticks(axes: Axes) -> None:
    """Leave room between the numbers: few of them, and none of more than four digits."""
    axes.ticklabel_format(scilimits=(-3, 4))
    axes.locator_params(axis="x", nbins=3)
    axes.locator_params(axis="y", nbins=3)
    axes.tick_params(labelsize=7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set_fontsize(7)
