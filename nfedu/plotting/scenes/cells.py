"""One small cell under a map of the plane, beside the parallelogram that the map's Jacobian makes of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def boundary(corner: Array, side: float, points: int = 400) -> Array:
    """Return points around a square, (4 points, 2), anticlockwise from its lower left corner."""
    t = np.arange(points) / points
    low, high = np.zeros(points), np.ones(points)
    around = np.concatenate([np.c_[t, low], np.c_[high, t], np.c_[1 - t, high], np.c_[low, 1 - t]])
    return np.asarray(corner + side * around)


def area(polygon: Array) -> float:
    """Return the signed area of a polygon (N, 2), positive if it goes anticlockwise: the shoelace formula."""
    x, y = polygon.T
    return float((x * np.roll(y, -1) - np.roll(x, -1) * y).sum() / 2)


def show_cell(axes: Axes, f: Callable[[Array], Array], J: Array, corner: Array, side: float) -> tuple[float, float]:
    """Draw the image of a square under f, and the parallelogram of J's columns; return both areas over the square's."""
    image = f(boundary(corner, side))
    start = f(corner[None])[0]
    edges = side * J
    corners = start + np.array([0 * start, edges[:, 0], edges.sum(axis=1), edges[:, 1]])
    axes.fill(*image.T, color="tab:blue", alpha=0.35, linewidth=0)
    axes.plot(*np.concatenate([corners, corners[:1]]).T, color="0.3", linewidth=1)
    for j, colour in enumerate(("tab:blue", "tab:orange")):
        arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": 1.8, "shrinkA": 0, "shrinkB": 0}
        axes.annotate("", start + edges[:, j], start, arrowprops=arrow)
    axes.set(xlabel="$x_1$", ylabel="$x_2$", aspect="equal")
    return area(image) / side**2, area(corners) / side**2
