"""Densities in the plane, each with the integral that says whether it is one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike

from nfedu.arrays import Array
from nfedu.checks.flows.densities import Grid, density_on_grid
from nfedu.distributions import Distribution

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_density(
    axes: Axes,
    distribution: Distribution,
    low: ArrayLike = -3.0,
    high: ArrayLike = 3.0,
    points: ArrayLike = 400,
    gamma: float = 0.6,
    most: float | None = None,
    bar: bool = False,
) -> Grid:
    """Draw p over the box [low, high] with its integral in the corner; return the grid and the integral.

    Midpoint rule with `points` cells a side. Colour is p^gamma, so that faint parts are seen too; it ends at the
    largest p unless `most` says where, so that pictures can share a scale, which a `bar` shows.
    """
    from matplotlib.colors import PowerNorm
    from matplotlib.ticker import MaxNLocator

    grid = density_on_grid(distribution, low, high, points)
    (left, bottom), (right, top) = np.broadcast_to(low, 2), np.broadcast_to(high, 2)
    peak = float(grid.density.max()) if most is None else most
    norm = PowerNorm(gamma, 0, peak, clip=True)
    extent = (left, right, bottom, top)
    image = axes.imshow(grid.density.T, norm=norm, origin="lower", extent=extent, interpolation="bilinear")
    if bar:
        ticks = [t for t in MaxNLocator(4).tick_values(0, peak) if t <= peak]
        axes.figure.colorbar(image, ax=axes, ticks=ticks, shrink=0.85, pad=0.02).outline.set_visible(False)
    density_axes(axes)
    integral_note(axes, grid.integral)
    return grid


def density_axes(axes: Axes, letter: str = "x") -> None:
    """Label a square picture of the plane."""
    axes.set(xlabel=f"${letter}_1$", ylabel=f"${letter}_2$", aspect="equal")


def integral_note(axes: Axes, integral: float, colour: str = "white", height: float = 0.03) -> None:
    """Write the integral of the density that is shown into its corner, the lower left one unless `height` says so."""
    from matplotlib.patheffects import withStroke

    note = axes.text(0.03, height, f"∫ p = {integral:.4f}", transform=axes.transAxes, color=colour, fontsize=8)
    if colour == "white":
        note.set_path_effects([withStroke(linewidth=2, foreground="black")])  # read on bright ground, too


def samples_axes(
    axes: Axes, x: Array, low: ArrayLike = -3.0, high: ArrayLike = 3.0, colour: str = "0.3", letter: str = "x"
) -> None:
    """Scatter points (N, 2) in the box [low, high]."""
    (left, bottom), (right, top) = np.broadcast_to(low, 2), np.broadcast_to(high, 2)
    axes.scatter(x[:, 0], x[:, 1], s=1.5, color=colour, alpha=0.5, linewidths=0)
    axes.set(xlim=(left, right), ylim=(bottom, top))
    density_axes(axes, letter)
