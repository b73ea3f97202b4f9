"""Which output depends on which input, as a graph: all outputs in one round, or one a round."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nfedu.arrays import Array
from nfedu.plotting.style import DATA, LATENT, subscript

if TYPE_CHECKING:
    from matplotlib.axes import Axes

RISE = 0.62  # from one round to the next


def show_dependencies(axes: Axes, strength: Array, inputs: str = "x", outputs: str = "z", done: int = 1) -> None:
    """Draw inputs below, outputs above, and arrows where `strength` (outputs, inputs) is not 0, wide where it is much.

    The arrow from input i to output i, the coordinate that is scaled and shifted, is orange; the others are blue. With
    `done` = 0 rounds there are no outputs yet.
    """
    n, most = len(strength), abs(strength).max()
    for i in range(n):
        for j in range(n):
            arrow(axes, (j, 0), (i, 1), done and strength[i, j] / most, DATA if i == j else LATENT)
        node(axes, (i, 0), inputs, i)
        node(axes, (i, 1), outputs, i, done > 0)
    axes.text(-0.55, 1, "round 1", ha="right", va="center")
    frame(axes, n, 1)


def show_rounds(
    axes: Axes, own: Array, others: Array, inputs: str = "z", outputs: str = "x", done: int | None = None
) -> None:
    """Draw a triangular system as it is solved, output i in round i, from its own input and the outputs before it.

    `own` (n,) is the derivative of output i by input i, orange; `others` (n, n) those by earlier outputs, blue. Outputs
    that are not there after `done` rounds stay empty.
    """
    n, most = len(own), max(abs(own).max(), abs(others).max())
    heights = [1 + RISE * i for i in range(n)]
    done = n if done is None else done
    for i, height in enumerate(heights):
        axes.axhspan(height - 0.22, height + 0.22, color="0.94", linewidth=0)
        axes.text(-0.55, height, f"round {i + 1}", ha="right", va="center")
        arrow(axes, (i, 0), (i, height), (i < done) * own[i] / most, DATA)
        for j in range(i):
            bend = 0 if j == i - 1 else -0.28
            arrow(axes, (j, heights[j]), (i, height), (i < done) * others[i, j] / most, LATENT, bend)
    for i, height in enumerate(heights):
        node(axes, (i, 0), inputs, i)
        node(axes, (i, height), outputs, i, i < done)
    frame(axes, n, heights[-1])


def arrow(
    axes: Axes, start: tuple[float, float], end: tuple[float, float], share: float, colour: str, bend: float = 0
) -> None:
    """Draw an arrow whose width tells |share| ≤ 1; none for 0."""
    if share:
        look = {"color": colour, "linewidth": 0.5 + 2.5 * abs(float(share)), "shrinkA": 9, "shrinkB": 9}
        axes.annotate("", end, start, arrowprops={"arrowstyle": "-|>", "connectionstyle": f"arc3,rad={bend}", **look})


def node(axes: Axes, at: tuple[float, float], letter: str, i: int, there: bool = True) -> None:
    """Draw coordinate i in a circle, pale unless it is there."""
    axes.scatter(*at, s=250, facecolor="white", edgecolor="0.3" if there else "0.8", zorder=3)
    axes.text(*at, letter + subscript(i), color="black" if there else "0.8", ha="center", va="center", zorder=4)


def frame(axes: Axes, n: int, top: float) -> None:
    """Leave room around n columns of nodes up to height `top`, and hide the axes."""
    axes.set(xlim=(-1.4, n - 0.5), ylim=(-0.3, top + 0.3), xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
