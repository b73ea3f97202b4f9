"""A map of the line between the densities of its two sides: what slices of equal mass become."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection
from nfedu.distributions import Distribution
from nfedu.plotting.style import cleared

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import FigureBase


def joined_axes(figure: FigureBase) -> Any:
    """Return the axes of `show_joined`: p(x) beside the map, a corner that is empty, p(z) below the map."""
    axes = figure.subplots(2, 2, sharex="col", sharey="row", width_ratios=[1, 2.2], height_ratios=[2, 1])
    axes[1, 0].axis("off")
    return axes


def show_joined(
    axes: Any,
    layer: Bijection,
    edges: Array,
    z_side: Distribution,
    x_side: Distribution,
    box: tuple[float, float],
    most: float,
) -> Axes:
    """Draw a map z→x with p(z) below and p(x) beside it, slices between `edges` in one colour; return the map's axes.

    All have n = 1. The picture ends at x in `box`, and at p(x) = `most`.
    """
    from matplotlib import pyplot as plt

    (beside, curve), (_, below) = axes
    cleared((beside, curve, below))
    for i, (low, high) in enumerate(pairwise(edges)):
        colour = plt.get_cmap("viridis")(i / (len(edges) - 2))
        z = np.linspace(low, high, 60)[:, None]
        x = layer.z_to_x(z)[0]
        below.fill_between(z[:, 0], np.exp(z_side.log_prob(z)), color=colour)
        beside.fill_betweenx(x[:, 0], np.exp(x_side.log_prob(x)), color=colour)
        curve.plot(z, x, color=colour, linewidth=2.5)
        for end in (0, -1):
            curve.plot([z[end, 0]] * 2, [box[0], x[end, 0]], color="0.8", linewidth=0.6, zorder=0)
            curve.plot([edges[0], z[end, 0]], [x[end, 0]] * 2, color="0.8", linewidth=0.6, zorder=0)
    beside.tick_params(labelbottom=True)
    below.tick_params(labelleft=True)
    below.set(xlabel="z", ylabel="p(z)", ylim=(0, None))
    beside.set(ylabel="x", xlabel="p(x)", ylim=box, xlim=(most, 0))  # it grows to the left, away from the map
    return cast("Axes", curve)
