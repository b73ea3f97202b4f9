"""How the error of an iteration leaves an image, pixel by pixel, for several of its steps a."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from nfedu.arrays import Array
from nfedu.plotting.images import without_ticks
from nfedu.plotting.style import signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LEAST = 1e-16  # an error of 0 is drawn here


def error_axes(figure: Figure, count: int) -> tuple[Sequence[Axes], Axes]:
    """Return axes for so many images above, and one for curves below them."""
    grid = figure.add_gridspec(2, count, height_ratios=[1, 1])
    return [figure.add_subplot(grid[0, i]) for i in range(count)], figure.add_subplot(grid[1, :])


def show_errors(images: Sequence[Axes], curves: Axes, errors: Mapping[float, Array], k: int) -> None:
    """Draw errors (rounds + 1, pixels) of each step a: as images after round k, and the largest of each round."""
    curves.clear()
    curves.axvline(k, color="0.85", linewidth=6)
    for ax, (a, found) in zip(images, errors.items(), strict=True):
        side = int(np.sqrt(found.shape[1]))
        look: dict[str, Any] = {"cmap": "Blues", "vmin": np.log10(LEAST), "vmax": 0}
        ax.clear()
        ax.imshow(np.log10(np.clip(found[k], LEAST, 1)).reshape(side, side), **look)
        without_ticks(ax)
        curve = curves.plot(np.log10(np.clip(found.max(axis=1), LEAST, None)), label=f"a = {a}")
        most = found[k].max()
        words = signed(f"{most:.1g}") if most < 1 else f"{most:.0f}"
        ax.set_title(f"a = {a}\nerror ≤ {words}", color=curve[0].get_color())
    ticks = range(0, len(found), 5)
    curves.set(xlabel="rounds k", ylabel="log₁₀ of the largest error", ylim=(-16, 4), xticks=ticks)
    curves.legend(loc="center left", bbox_to_anchor=(1, 0.5))
