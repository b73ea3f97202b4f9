"""What a map does to the plane: the image of a square grid."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_warp(
    axes: Axes,
    f: Callable[[Array], Array],
    half_width: float = 2.0,
    lines: int = 13,
    letter: str = "x",
    points: int = 400,
) -> None:
    """Draw the images under f: (N, 2) → (N, 2) of a square grid: vertical lines blue, horizontal lines orange.

    A line is drawn through the images of `points` points.
    """
    fine, coarse = np.linspace(-half_width, half_width, points), np.linspace(-half_width, half_width, lines)
    for c in coarse:
        width = 1.6 if np.isclose(c, 0, atol=half_width / lines) else 0.8
        for line, colour in (((np.full(points, c), fine), "tab:blue"), ((fine, np.full(points, c)), "tab:orange")):
            axes.plot(*f(np.stack(line, axis=1)).T, color=colour, linewidth=width)
    axes.set(xlabel=f"${letter}_1$", ylabel=f"${letter}_2$", aspect="equal")
