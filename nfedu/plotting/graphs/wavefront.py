"""A masked network as a graph: in which round each of its units can be computed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nfedu.networks.made import MADE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FRONT = "YlOrRd"


def show_wavefront(axes: Axes, net: MADE, sampling: bool, upto: int | None = None) -> None:
    """Draw a MADE's units, inputs below, outputs above, each with its round in it, and the connections masks leave.

    For a density all inputs are there at once: a round a layer. For a sample x_i is made in round i from the outputs
    for i, and only then come the hidden units of degree i. Units of rounds after `upto` stay empty.
    """
    layers = len(net.degrees)
    places = []
    for height, degrees in enumerate(net.degrees):
        width = np.arange(len(degrees)) - (len(degrees) - 1) / 2
        places.append(np.column_stack([width * net.n / len(degrees) * 1.7, np.full(len(degrees), height)]))
    rounds = [degrees if sampling else np.full(len(degrees), height) for height, degrees in enumerate(net.degrees)]
    known = [numbers <= (net.n + layers if upto is None else upto) for numbers in rounds]
    for layer in range(layers - 1):
        for i, j in np.argwhere(net.mask(layer)):
            colour = "0.7" if known[layer][i] and known[layer + 1][j] else "0.92"
            axes.plot(*np.stack([places[layer][i], places[layer + 1][j]]).T, color=colour, linewidth=0.8, zorder=1)
    for at, numbers, there in zip(places, rounds, known, strict=True):
        (x, y), (empty_x, empty_y) = at[there].T, at[~there].T
        axes.scatter(x, y, s=210, c=numbers[there], cmap=FRONT, vmin=-1, vmax=net.n + 1, edgecolor="0.3", zorder=2)
        axes.scatter(empty_x, empty_y, s=210, facecolor="white", edgecolor="0.8", zorder=2)
        for left, up, number in zip(x, y, numbers[there], strict=True):
            axes.text(left, up, f"{number}", ha="center", va="center", zorder=3)
    axes.set_yticks(range(layers), ["x", *(f"hidden {k + 1}" for k in range(layers - 2)), "μ, α"])
    axes.set(xticks=[], ylim=(-0.4, layers - 0.6))
    axes.margins(x=0.12)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)


def show_front(axes: Sequence[Axes], nets: Sequence[MADE], k: int) -> None:
    """Draw what is there after k rounds of a density, of a sample, and which of the middle mask's rows that takes."""
    density, sample, mask = axes
    for ax in axes:
        ax.clear()
    show_wavefront(density, nets[0], False, k)
    show_wavefront(sample, nets[1], True, k)
    density.set_title("density: 3 rounds")
    sample.set_title(f"sample: n = {nets[1].n} rounds")
    sample.set_yticks([])  # the same as beside it
    seen, sees = nets[1].degrees[1:3]
    rows = np.where(nets[1].mask(1).T == 0, np.nan, sees[:, None])
    mask.imshow(np.where(rows <= k, np.nan, rows * 0 + 0.1), cmap="Greys", vmin=0, vmax=1)
    mask.imshow(np.where(rows <= k, rows, np.nan), cmap=FRONT, vmin=-1, vmax=nets[1].n + 1)
    mask.set_xticks(range(len(seen)), seen)
    mask.set_yticks(range(len(sees)), sees)
    mask.set(xlabel="hidden 1, degree", ylabel="hidden 2, degree", title="mask: rows of the sample")
    mask.tick_params(length=0)
