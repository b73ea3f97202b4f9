"""Images decoded from mixtures of four latents: all of them, those at one angle φ, and what they cost."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.mixing import mixing_coefficients
from nfedu.plotting.images import show_images
from nfedu.plotting.style import WRONG

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLUMNS = 7


def show_manifold(axes: Axes, images: Array, side: int) -> None:
    """Draw 8×8 images, (side², 64), as a square whose corners, the originals, are framed in red."""
    from matplotlib.patches import Rectangle

    show_images(axes, images, side)
    for corner in (0, side - 1, side**2 - side, side**2 - 1):
        row, column = divmod(corner, side)
        axes.add_patch(Rectangle((9 * column, 9 * row), 9, 9, fill=False, edgecolor=WRONG, linewidth=1.5))


def show_mixtures(place: Axes, row: Axes, decode: Callable[[Array], Array], latents: Array, phi: float) -> None:
    """Draw what four `latents` (4, n) give at one φ and `COLUMNS` angles φ', by angles above, by straight lines below.

    `place` shows where that is between the four.
    """
    phi_prime, t = np.linspace(0, np.pi / 2, COLUMNS), 2 * phi / np.pi
    t_prime = 2 * phi_prime / np.pi
    straight = np.stack([(1 - t) * (1 - t_prime), (1 - t) * t_prime, t * (1 - t_prime), t * t_prime], axis=1) @ latents
    by_angles = mixing_coefficients(phi, phi_prime).T @ latents
    for ax in (place, row):
        ax.clear()
    show_images(row, decode(np.concatenate([by_angles, straight])), COLUMNS)
    row.set_title("by angles, above; by straight lines, below")
    corners = decode(latents)
    for k, image in enumerate(corners):
        across, down = 90 * (k % 2), 90 * (k // 2)
        box = (across - 17, across + 17, down + 17, down - 17)
        place.imshow(np.clip(image, 0, 1).reshape(8, 8), cmap="gray_r", vmin=0, vmax=1, extent=box)
    place.plot(np.degrees(phi_prime), np.full(COLUMNS, np.degrees(phi)), "o-", color=WRONG, markersize=4)
    ticks = (0, 45, 90)
    place.set(xlim=(-22, 112), ylim=(112, -22), xlabel="φ', degrees", ylabel="φ, degrees", xticks=ticks, yticks=ticks)


def show_costs(axes: Axes, bits: Mapping[str, tuple[float, float]], colours: Sequence[str]) -> None:
    """Draw bits per pixel, each with twice its standard error, the first above."""
    means, errors = np.array(list(bits.values())).T
    for row, (mean, error, colour) in enumerate(zip(means, errors, colours, strict=True)):
        axes.errorbar(mean, row, xerr=2 * error, fmt="o", color=colour, capsize=4)  # no bars: the axis begins anywhere
    axes.set_yticks(range(len(bits)), list(bits))
    axes.set(xlabel="bits per pixel", ylim=(-0.6, len(bits) - 0.4))
    axes.grid(axis="y", color="0.9")
    axes.invert_yaxis()
