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


def table_portrait(
    model: TableModel, data: Data | None = None, seed: int = 0, pair: tuple[int, int] | None = None
) -> Figure:
    """Return a picture of a model beside its data, if they are given.

    One column: density, warp, training. Two: the plane after some of the layers, in whitened coordinates; data,
    density, training. More: every pair of the first six columns, data below the diagonal and samples above it; or one
    `pair`, counted from 0, larger.
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
        figure, grid = plt.subplots(2, SHOWN + 1, figsize=(2.1 * (SHOWN + 1), 4.9))
        show_stages(grid[0], model)
        show_two(grid[1], model, rows, samples, (0, 1))
    elif pair:
        figure, axes = plt.subplots(1, 5, figsize=(10.5, 2.8))
        show_two(axes, model, rows, samples, pair)
    else:
        figure = pairs(model, rows, samples)
    return figure


def show_two(axes: Any, model: TableModel, rows: Array | None, samples: Array, pair: tuple[int, int]) -> None:
    """Draw two columns, of data, if they are given, and of samples; each by itself; the training curve."""
    if rows is None:
        axes[0].set_axis_off()
    else:
        show_pair(axes[0], model, rows, DATA, pair, all_of(rows, samples), "data")
    show_pair(axes[1], model, samples, LATENT, pair, all_of(rows, samples), "samples")
    show_marginal(axes[2], model, rows, samples, pair[0])
    show_marginal(axes[3], model, rows, samples, pair[1])
    show_training(axes[4], model)


def pairs(model: TableModel, rows: Array | None, samples: Array) -> Figure:
    """Return the pairs of columns: data below the diagonal, samples above it, both on it; the training curve beside."""
    from matplotlib import pyplot as plt

    k = min(model.table.n, COLUMNS)
    figure, axes = plt.subplots(k, k + 1, figsize=(1.7 * (k + 1) + 0.6, 1.6 * k), squeeze=False)
    for i in range(k):
        for j in range(k):
            if i == j:
                show_marginal(axes[i, j], model, rows, samples, i, legend=i == 0)
            elif j > i:
                show_pair(axes[i, j], model, samples, LATENT, (j, i), all_of(rows, samples))
            elif rows is not None:
                show_pair(axes[i, j], model, rows, DATA, (j, i), all_of(rows, samples))
            else:
                axes[i, j].set_axis_off()
        axes[i, k].set_axis_off()
    axes[0, k].set_axis_on()
    show_training(axes[0, k], model)
    return figure


def all_of(rows: Array | None, samples: Array) -> list[Array]:
    """Return the rows that a picture's ranges are to hold."""
    return [samples] if rows is None else [rows, samples]


def show_pair(
    axes: Axes, model: TableModel, rows: Array, colour: str, pair: tuple[int, int], shown: list[Array], title: str = ""
) -> None:
    """Scatter two columns of some rows, over the range of all that are shown, so that panels compare."""
    i, j = pair
    x, y = (range_of([values[:, column] for values in shown]) for column in pair)
    axes.scatter(rows[:, i], rows[:, j], s=2, color=colour, alpha=0.5, linewidths=0)
    axes.set(xlim=x, ylim=y, xlabel=model.names[i], ylabel=model.names[j])
    axes.set_title(title)
    few_ticks(axes, model.table.columns[i].whole, model.table.columns[j].whole)
    say_outside(axes, int((outside(rows[:, i], x) | outside(rows[:, j], y)).sum()))


def show_marginal(
    axes: Axes, model: TableModel, rows: Array | None, samples: Array, i: int, legend: bool = True
) -> None:
    """Draw the histograms of a column, of data and of samples; bars are equally many steps wide, if it has any."""
    shown = all_of(rows, samples)
    low, high = range_of([values[:, i] for values in shown])
    bins: Any = np.linspace(low, high, 41)
    if step := model.table.steps[i]:
        origin, width = model.table.columns[i].origin, step * np.ceil((high - low) / (60 * step))
        first = origin + step * np.floor((low - origin) / step)
        bins = np.arange(first - step / 2, high + width, width)
    if rows is not None:
        axes.hist(rows[:, i], bins, density=True, color=DATA, alpha=0.5, label="data")
    axes.hist(samples[:, i], bins, density=True, color=LATENT, histtype="step", label="samples")
    axes.set(xlim=(low, high), xlabel=model.names[i], yticks=[])
    few_ticks(axes, model.table.columns[i].whole)
    say_outside(axes, sum(int(outside(values[:, i], (low, high)).sum()) for values in shown))
    if legend:
        legend_above(axes, 2)


def legend_above(axes: Axes, columns: int) -> None:
    """Add a legend that lies over no curve."""
    spaces = {"borderpad": 0, "handlelength": 1, "handletextpad": 0.4, "columnspacing": 0.9}
    axes.legend(fontsize=7, ncol=columns, loc="lower left", bbox_to_anchor=(0, 1), **spaces)


def say_outside(axes: Axes, count: int) -> None:
    """Say in a corner how many of the points lie beyond the axes, if any."""
    if count:
        paper = {"facecolor": "white", "edgecolor": "none", "alpha": 0.7, "pad": 0.5}
        place: dict[str, Any] = {"ha": "right", "va": "top", "transform": axes.transAxes, "bbox": paper}
        axes.text(1, 1, f"{count} outside", fontsize=7, color="0.3", **place)


def show_training(axes: Axes, model: TableModel) -> None:
    """Draw the losses of training and validation by epochs, and mark the epoch whose θ was kept."""
    history = model.history
    epochs = np.arange(1, len(history.train) + 1)
    axes.plot(epochs, history.train, color="0.6", label="training")
    axes.plot(epochs[: len(history.validation)], history.validation, color="black", label="validation")
    axes.axvline(history.best_epoch + 1, color="tab:red", linestyle=":", label="kept")  # 0: where it starts
    if history.validation:
        axes.set_ylim(*range_of([np.array(history.validation + history.train[1:])]))
    axes.set(xlabel="epoch", ylabel="nll, nats per row")
    axes.locator_params(axis="x", nbins=4, integer=True)
    if history.train:
        legend_above(axes, 3)


def show_stages(axes: Any, model: TableModel) -> None:
    """Draw the density after some of the learned layers, which end before the data's own scale comes in."""
    layers, count = learned_layers(model), len(model.flow)
    all_stages = stages(model.flow.base, layers)
    for ax, m in zip(axes, np.linspace(0, len(layers), len(axes)).round().astype(int), strict=True):
        title = "the base" if m == 0 else f"after layer {m} of {count}"
        show_stage(None, ax, all_stages[m], title, 3.5, 150)
        ax.set(xticks=[-3, 0, 3], yticks=[-3, 0, 3])
        ax.tick_params(labelbottom=True)
        ax.set_xlabel("whitened" if m < len(layers) else rest_of(len(layers), count), fontsize=8)
    axes[0].set_ylabel("whitened", fontsize=8)


def rest_of(m: int, count: int) -> str:
    """Return what the layers do that are not drawn, those after the m-th."""
    if count == m:
        return "in the data's units"
    return f"layer{f' {count}' if count == m + 1 else f's {m + 1}–{count}'}: the data's units"


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


def range_of(shown: list[Array]) -> tuple[float, float]:
    """Return a range that holds all but the most extreme values of each, with a margin."""
    ends = np.array([np.quantile(values, [0.002, 0.998]) for values in shown])
    low, high = ends[:, 0].min(), ends[:, 1].max()
    margin = 0.08 * (high - low) or 1.0
    return float(low - margin), float(high + margin)


def outside(values: Array, ends: tuple[float, float]) -> Array:
    """Return which values lie beyond the ends."""
    return (values < ends[0]) | (values > ends[1])


def few_ticks(axes: Axes, whole_x: bool, whole_y: bool = False) -> None:
    """Leave room between the numbers: few, none of more than four digits, and whole ones where a column is whole."""
    axes.ticklabel_format(scilimits=(-3, 4))
    axes.locator_params(axis="x", nbins=3)
    axes.locator_params(axis="y", nbins=3)
    if whole_x:
        axes.locator_params(axis="x", integer=True)
    if whole_y:
        axes.locator_params(axis="y", integer=True)
    axes.tick_params(labelsize=7)
    for axis in (axes.xaxis, axes.yaxis):
        axis.get_offset_text().set_fontsize(7)
