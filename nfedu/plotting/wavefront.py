"""A masked network as a graph: in which round each of its units can be computed."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.networks.made import MADE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_wavefront(axes: Axes, net: MADE, sampling: bool) -> None:
    """Draw a MADE's units, inputs below, outputs above, each with its round in it, and the connections masks leave.

    For a density all inputs are there at once: a round a layer. For a sample x_i is made in round i from the outputs
    for i, and only then come the hidden units of degree i.
    """
    layers = len(net.degrees)
    last = net.n if sampling else layers - 1
    places = []
    for height, degrees in enumerate(net.degrees):
        width = np.arange(len(degrees)) - (len(degrees) - 1) / 2
        places.append(np.column_stack([width * net.n / len(degrees) * 1.7, np.full(len(degrees), height)]))
    for layer in range(layers - 1):
        for i, j in np.argwhere(net.mask(layer)):
            axes.plot(*np.stack([places[layer][i], places[layer + 1][j]]).T, color="0.85", linewidth=0.8, zorder=1)
    for height, (degrees, at) in enumerate(zip(net.degrees, places, strict=True)):
        rounds = degrees if sampling else np.full(len(degrees), height)
        axes.scatter(
            at[:, 0], at[:, 1], s=210, c=rounds, cmap="YlOrRd", vmin=-1, vmax=last + 1, edgecolor="0.3", zorder=2
        )
        for (x, y), number in zip(at, rounds, strict=True):
            axes.text(x, y, f"{number}", ha="center", va="center", zorder=3)
    axes.set_yticks(range(layers), ["x", *(f"hidden {k + 1}" for k in range(layers - 2)), "μ, α"])
    axes.set(xticks=[], ylim=(-0.4, layers - 0.6))
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
