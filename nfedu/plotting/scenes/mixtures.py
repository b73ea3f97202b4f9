"""Mixing latents (N17) drawn: the ways from one latent to another, and the norms that mixtures have."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy import stats

from nfedu.arrays import Array
from nfedu.mixing import mix_latents

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_mixing(axes: Axes, pair: Array, f: Callable[[Array], Array] = lambda z: z) -> None:
    """Draw, under f, the two latents (2, 2) of a plane, what mixes them by all angles, and the straight line."""
    angles, t, zero = np.linspace(0, 2 * np.pi, 400), np.linspace(0, 1, 100)[:, None], np.zeros(2)
    by_angles = mix_latents(pair[0], pair[1], zero, zero, 0 * angles, angles)
    axes.plot(*f(by_angles).T, color="tab:cyan", label="by angles")
    axes.plot(*f((1 - t) * pair[0] + t * pair[1]).T, color="tab:green", label="straight")
    axes.plot(*f(pair).T, "o", color="white", markersize=5)


def show_norms(axes: Axes, sizes: Sequence[int], colours: Sequence[str]) -> None:
    """Draw the density of ‖z‖/√n for each n, of z ~ N(0, I) and, dashed, of the straight middle of four, N(0, I/4)."""
    r = np.linspace(0, 1.8, 400)
    for n, colour in zip(sizes, colours, strict=True):
        for times, style, label in ((1, "-", f"n = {n}"), (2, "--", None)):
            root = times * np.sqrt(n)
            axes.plot(r, stats.chi(n).pdf(root * r) * root, style, color=colour, label=label)
    axes.set(xlabel="‖z‖ / √n", ylabel="density")
    axes.legend()
