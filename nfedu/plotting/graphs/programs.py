"""A program as a graph: what each line computes, and what comes back to it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from nfedu.plotting.style import LATENT, WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Node = tuple[float, float, str, str]  # where it stands, its value, its gradient
LONG = 6  # a name with so many signs is too wide for a circle


def show_graph(axes: Axes, nodes: dict[str, Node], edges: Sequence[tuple[str, str, str]]) -> None:
    """Draw numbers in circles: each one's value above it, in blue, the loss's gradient below, in red.

    `edges` are (from, to, what is done on the way); values go along the arrows, gradients against them.
    """
    for start, end, word in edges:
        (x0, y0), (x1, y1) = nodes[start][:2], nodes[end][:2]
        shrink = [12 if len(name) < LONG else 21 for name in (start, end)]
        arrow = {"arrowstyle": "->", "color": "0.6", "shrinkA": shrink[0], "shrinkB": shrink[1]}
        axes.annotate("", (x1, y1), (x0, y0), arrowprops=arrow)
        at = ((x0 + x1) / 2, (y0 + y1) / 2)
        axes.text(*at, word, fontsize=9.5, color="0.35", ha="center", va="center", bbox={"color": "white", "pad": 0.6})
    for name, (x, y, value, gradient) in nodes.items():
        shape = "circle,pad=0.25" if len(name) < LONG else "round,pad=0.3,rounding_size=0.9"
        circle = {"boxstyle": shape, "facecolor": "white", "edgecolor": "0.3"}
        axes.text(x, y, name, ha="center", va="center", fontsize=11, bbox=circle)
        for text, colour, offset, side in ((value, LATENT, 14, "bottom"), (gradient, WRONG, -14, "top")):
            axes.annotate(
                text, (x, y), (0, offset), textcoords="offset points", color=colour, fontsize=10, ha="center", va=side
            )
    columns, rows = zip(*(node[:2] for node in nodes.values()), strict=True)
    axes.set(xlim=(min(columns) - 0.5, max(columns) + 0.5), ylim=(min(rows) - 0.6, max(rows) + 0.6))
    axes.axis("off")
