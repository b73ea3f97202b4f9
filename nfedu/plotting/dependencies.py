"""Which output depends on which input, as a graph."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nfedu.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_dependencies(axes: Axes, strength: Array, inputs: str = "x", outputs: str = "z") -> None:
    """Draw inputs below, outputs above, and arrows where `strength` (outputs, inputs) is not 0, wide where it is much.

    The arrow from input i to output i, the coordinate that is scaled and shifted, is orange; the others are blue.
    """
    n = len(strength)
    for i in range(n):
        for j in range(n):
            if strength[i, j]:
                colour = "tab:orange" if i == j else "tab:blue"
                width = 0.4 + 3 * float(strength[i, j] / strength.max())
                arrow = {"arrowstyle": "-|>", "color": colour, "linewidth": width, "shrinkA": 13, "shrinkB": 13}
                axes.annotate("", (i, 1), (j, 0), arrowprops=arrow)
    for i in range(n):
        for height, letter in ((0, inputs), (1, outputs)):
            axes.scatter(i, height, s=480, facecolor="white", edgecolor="0.3", zorder=3)
            axes.text(i, height, f"${letter}_{i + 1}$", ha="center", va="center", zorder=4)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(-0.3, 1.3), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
