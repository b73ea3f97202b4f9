"""Jacobians as pictures: which output depends on which input."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.plotting.style import SIGNED

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_jacobian(axes: Axes, J: Array, outputs: str = "x", inputs: str = "z") -> None:
    """Draw ∂outputs/∂inputs (n, n): blue negative, red positive, grey where the entry is exactly 0."""
    limit = abs(J).max()
    axes.set_facecolor("0.85")
    axes.imshow(np.ma.masked_where(J == 0, J), cmap=SIGNED, vmin=-limit, vmax=limit)
    n = len(J)
    ticks = range(n) if n <= 10 else range(0, n, n // 8)
    axes.set_xticks(ticks, [f"{i + 1}" for i in ticks])
    axes.set_yticks(ticks, [f"{i + 1}" for i in ticks])
    axes.set_xticks(np.arange(n + 1) - 0.5, minor=True)
    axes.set_yticks(np.arange(n + 1) - 0.5, minor=True)
    if n <= 16:
        axes.grid(which="minor", color="white", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel=f"input ${inputs}_j$", ylabel=f"output ${outputs}_i$")
