"""Many small images in one picture; patterns of pixels."""

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
    without_ticks(axes)


def show_pattern(axes: Axes, pattern: Array, title: str) -> None:
    """Draw a mask (H, W), light where it is true, or numbers 0 … 9, each in its colour; four channels as a square."""
    if pattern.dtype == bool:
        axes.imshow(pattern, cmap="gray", vmin=-0.6, vmax=1.1)
    else:
        if pattern.ndim == 3:
            _, H, W = pattern.shape
            apart = np.pad(pattern.astype(float), ((0, 0), (0, 1), (0, 1)), constant_values=np.nan)
            pattern = apart.reshape(2, 2, H + 1, W + 1).swapaxes(1, 2).reshape(2 * H + 2, -1)[:-1, :-1]
        axes.imshow(pattern, cmap="tab10", vmin=0, vmax=9)
    axes.set_title(title)
    without_ticks(axes)


def without_ticks(axes: Axes) -> None:
    """Take the ticks and the frame away."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
