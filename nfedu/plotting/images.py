"""Many small images in one picture; patterns of pixels."""

from __future__ import annotations

from collections.abc import Sequence
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


def show_taps(axes: Axes, taps: Array, columns: Sequence[str], rows: Sequence[str]) -> None:
    """Draw 3×3 masks (rows, columns, 3, 3), light where a tap is used, a dot at the centre."""
    R, C = taps.shape[:2]
    tiled = np.pad(taps, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=np.nan)
    tiled = tiled.transpose(0, 2, 1, 3).reshape(4 * R, 4 * C)[:-1, :-1]
    axes.pcolormesh(np.ma.masked_invalid(tiled), cmap="gray", vmin=-0.6, vmax=1.5, edgecolors="w", linewidth=1.5)
    across, down = 4 * np.arange(C) + 1.5, 4 * np.arange(R) + 1.5
    axes.plot(*np.meshgrid(across, down), "o", color="tab:red", markersize=4)
    axes.set_xticks(across, columns)
    axes.set_yticks(down, rows)
    axes.set_aspect("equal")
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


def without_ticks(axes: Axes) -> None:
    """Take the ticks and the frame away."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_visible(False)
