"""A loss over two parameters, and where its gradient points."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_surface(axes: Axes, line: Array, L: Array, down: Array, names: tuple[str, str], depth: float) -> None:
    """Draw a number L[j, i] at (line[i], line[j]) up to `depth` above its minimum, with arrows along `down`.

    `down`, (2, points, points), is minus the gradient by whatever is to be believed; arrows are of one length. They
    should cross the level lines at right angles.
    """
    axes.contourf(line, line, L, levels=np.linspace(L.min(), L.min() + depth, 25), extend="max")
    axes.contour(
        line, line, L, levels=L.min() + depth * np.linspace(0.02, 1, 15), colors="white", linewidths=0.4, linestyles="-"
    )
    every = np.arange(len(line) // 20, len(line), len(line) // 10)
    few = down[:, every[:, None], every]
    with np.errstate(all="ignore"):
        few = few / np.hypot(*few)
    axes.quiver(line[every], line[every], *few, color="tab:cyan", width=0.005)
    axes.set(xlabel=names[0], ylabel=names[1], xlim=line[[0, -1]], ylim=line[[0, -1]], aspect="equal")
