"""Many small images in one picture."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_images(axes: Axes, images: Array, columns: int, side: int = 8, low: float = 0.0, high: float = 1.0) -> None:
    """Draw images (N, side²) in rows of `columns`, dark ink on white, clipped to [low, high]."""
    rows = len(images) // columns
    tiles = np.clip(images[: rows * columns], low, high).reshape(rows, columns, side, side)
    frame = (high + low) / 2
    framed = np.pad(tiles, ((0, 0), (0, 0), (1, 0), (1, 0)), constant_values=frame)
    whole = framed.swapaxes(1, 2).reshape(rows * (side + 1), columns * (side + 1))
    axes.imshow(np.pad(whole, ((0, 1), (0, 1)), constant_values=frame), cmap="gray_r", vmin=low, vmax=high)
    axes.set_xticks([])
    axes.set_yticks([])
    axes.spines[:].set_visible(False)
