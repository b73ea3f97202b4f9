"""What a stack of layers has made of the plane after each of them: of a grid, and of the base's density."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nfedu.arrays import Array
from nfedu.bijections.base import Bijection
from nfedu.distributions import Distribution
from nfedu.plotting.densities import show_density
from nfedu.plotting.style import cleared
from nfedu.plotting.warps import show_warp

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Stage:
    """A base and the layers passed so far: a density, which leaves the layers to the flow that they belong to."""

    base: Distribution
    layers: Sequence[Bijection]

    @property
    def n(self) -> int:
        """The dimension."""
        return self.base.n

    def z_to_x(self, z: Array) -> Array:
        """Return what the layers make of latents."""
        for layer in self.layers:
            z = layer.z_to_x(z)[0]
        return z

    def log_prob(self, x: Array) -> Array:
        """Return log p(x): the layers backwards, their log-dets added (N7)."""
        total = np.zeros(len(x))
        for layer in reversed(self.layers):
            x, log_det, _ = layer.x_to_z(x)
            total = total + log_det
        return self.base.log_prob(x) + total


def stages(base: Distribution, layers: Sequence[Bijection]) -> list[Stage]:
    """Return the base, then the density after each of the layers, which are listed z→x."""
    return [Stage(base, layers[:m]) for m in range(len(layers) + 1)]


def show_stage(
    grid: Axes | None,
    density: Axes | None,
    stage: Stage,
    title: str,
    half: float,
    points: int = 300,
    most: float | None = None,
    bar: bool = False,
) -> None:
    """Draw what has become of a grid, of the base's density, or of both, over [−half, half]²; colours as there."""
    if grid is not None:
        show_warp(grid, stage.z_to_x)
    if density is not None:
        show_density(density, stage, -half, half, points, most=most, bar=bar)  # type: ignore[arg-type]
    shown = [ax for ax in (grid, density) if ax is not None]
    shown[0].set_title(title)
    ticks = half * np.linspace(-1, 1, 5)
    for ax in shown:
        ax.set(xlim=(-half, half), ylim=(-half, half), xticks=ticks, yticks=ticks)
        ax.label_outer()


def show_sum(axes: Sequence[Axes], stages: Sequence[Stage], k: int, z: Array, names: Sequence[str]) -> None:
    """Draw the grid, the density, and how log p of the one latent `z` (1, n) comes about, after k layers (N7).

    `names`: of the base and of each layer.
    """
    grid, density, bars = axes
    cleared(axes)
    show_stage(grid, density, stages[k], "", 4)
    grid.set_title("a grid")
    density.set_title("p")
    at = [stage.z_to_x(z) for stage in stages]
    for ax in (grid, density):
        ax.plot(*at[k].T, "o", color="tab:red", markerfacecolor="none", markersize=9, markeredgewidth=2)
    sums = [float(stage.log_prob(x)[0]) for stage, x in zip(stages, at, strict=True)]
    parts = np.diff(sums, prepend=0.0)
    colours = ["0.6", *("tab:blue" if part >= 0 else "tab:orange" for part in parts[1:])]
    rows = range(len(sums))
    bars.barh(rows[: k + 1], parts[: k + 1], left=(sums - parts)[: k + 1], color=colours[: k + 1])
    bars.axvline(sums[k], color="tab:red", linewidth=1)
    reach = min(sums), max(0.0, *sums)
    bars.set(xlim=(reach[0] - 0.5, reach[1] + 0.2), ylim=(len(sums) - 0.5, -0.5), xlabel="nats")
    bars.set_yticks(rows, names)
    bars.set_title(f"log p = {sums[k]:.3f} at the circle".replace("-", "−"))
