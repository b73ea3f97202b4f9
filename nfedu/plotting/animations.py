"""A flow at work: points and a grid on their way from z to x, layer by layer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection

if TYPE_CHECKING:
    from matplotlib.axes import Axes

LINES, FINE = 11, 8  # lines of the grid each way, and steps from one to the next


def layer_by_layer(
    points_axes: Axes,
    grid_axes: Axes,
    layers: Sequence[Bijection],
    z: Array,
    titles: Sequence[str],
    steps: int = 6,
    half_width: float = 4.0,
) -> tuple[Callable[[int], None], int]:
    """Return a function that draws frame k of the way of `z` (N, 2) through the layers, and the number of frames.

    A layer takes `steps` frames, in which each point goes straight from where it was to where the layer puts it; the
    end is held for two of these. Points are coloured by |z|, the grid's lines as in `show_warp`; `titles`: one a layer.
    """
    ticks = np.linspace(-2, 2, (LINES - 1) * FINE + 1)
    grid = np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2).astype(z.dtype)
    points, grids = [z], [grid]
    for layer in layers:
        points.append(layer.z_to_x(points[-1])[0])
        grids.append(layer.z_to_x(grids[-1])[0])

    def draw(frame: int) -> None:
        m = min(frame // steps, len(layers) - 1)
        t = min(1.0, (frame - m * steps) / max(steps - 1, 1))
        for axes in (points_axes, grid_axes):
            axes.clear()
            box = (-half_width, half_width)
            axes.set(xlim=box, ylim=box, aspect="equal", xticks=(*box, 0), yticks=(*box, 0))
            axes.set(xlabel="$x_1$", ylabel="$x_2$")
        now = (1 - t) * points[m] + t * points[m + 1]
        points_axes.scatter(now[:, 0], now[:, 1], c=np.hypot(*z.T), s=1.5, cmap="viridis", linewidths=0)
        lines = ((1 - t) * grids[m] + t * grids[m + 1]).reshape(len(ticks), len(ticks), 2)
        for k in range(0, len(ticks), FINE):
            grid_axes.plot(*lines[:, k].T, color="tab:blue", linewidth=0.7)
            grid_axes.plot(*lines[k].T, color="tab:orange", linewidth=0.7)
        points_axes.set_title("points, coloured by |z|")
        grid_axes.set_title(titles[m])

    return draw, steps * len(layers) + 2 * steps
