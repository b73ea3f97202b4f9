"""One picture of anybody's layer: what it does to space and to a density, and whether its gradient is its map's."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.flows.densities import density_on_grid
from nfedu.checks.subject.subject import Subject
from nfedu.plotting.densities import integral_note, show_density
from nfedu.plotting.portraits.agreement import Agreement, compare_jacobians
from nfedu.plotting.portraits.matrices import show_agreement
from nfedu.plotting.portraits.pushed import Pushed
from nfedu.plotting.portraits.regions import LETTERS, Everywhere, Side
from nfedu.plotting.style import DATA, LATENT, LOOK, WRONG, signed
from nfedu.plotting.warps import show_warp

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

DRAWS, LEAST = 60_000, 2000  # coordinates drawn, and points at least
CELLS, FINE = 160, 2000  # of an exact density, a side of the plane, or the line
INTEGRAL = 0.05  # how far a density's integral may be from the share of draws: a coarse grid misses peaks
SIZE = (7.55, 5.8)  # 830 pixels wide
COLOURS = {"z": LATENT, "x": DATA}


def portrait(
    layer: Any, x: Array, pair: tuple[int, int] = (0, 1), direction: str = "z_to_x", found: Agreement | None = None
) -> Figure:
    """Draw what a layer does to space, what it makes of z ~ N(0, I), and whether its gradient is its map's.

    With n = 1 its map, with n = 2 the image of a grid, with more that of a pair of coordinates, counted from 0, the
    others held at the median of the points `x` (N, n). Densities: exact by the formula of a flow for n ≤ 2, drawn
    samples for more. Jacobians: `compare_jacobians(layer, x, direction)`, or `found` where this is known already.
    `direction` is "z_to_x" or "x_to_z". Raises ValueError for a pair that is none, and checks.subject.guard.Trouble
    when the layer raises, hangs, or answers with something else than finite numbers.
    """
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    subject = Subject(layer)
    pair = as_pair(pair, subject.n)
    with np.errstate(all="ignore"), rc_context(LOOK):  # at the edge of a domain any number may come
        found = compare_jacobians(layer, x, direction) if found is None else found
        count = max(LEAST, DRAWS // max(3, subject.n))
        f, before, after = Pushed(subject, count, np.random.default_rng(0)).sides(direction)
        figure = Figure(figsize=SIZE, layout=ConstrainedLayoutEngine(h_pad=0.09, w_pad=0.06))
        parts: Any = figure.subfigures(2, 1)
        above, below = parts
        above.suptitle(f"{subject.name}, n = {subject.n}: {before.letter} → {after.letter}", weight="bold", fontsize=10)
        axes = above.subplots(1, 3)
        if subject.n == 1:
            draw_line(axes, f, before, after)
        else:
            columns = pair if subject.n == 2 else seen_in(found.numerical, pair)
            held = np.median(found.inputs, axis=0)
            draw_plane(axes, f, held, replace(before, columns=pair), replace(after, columns=columns))
        below.suptitle(heading(found), fontsize=10)
        show_agreement(below.subplots(1, 3), found)
    return figure


def as_pair(pair: tuple[int, int], n: int) -> tuple[int, int]:
    """Return two different coordinates, or raise ValueError; n = 1 has none, and is not asked."""
    i, j = pair
    if n > 1 and not (0 <= i < n and 0 <= j < n and i != j):
        raise ValueError(f"portrait: pair = {i, j} with n = {n}, expected two different numbers 0 … {n - 1}")
    return int(i), int(j)


def seen_in(J: Array, pair: tuple[int, int]) -> tuple[int, int]:
    """Return two outputs that show what two inputs do: the same two, or those that move most where these do not."""
    own = J[np.ix_(pair, pair)]
    if abs(np.linalg.det(own)) > 1e-6 * np.prod(np.linalg.norm(J[:, pair], axis=0)):
        return pair
    first, second = abs(J[:, pair]).T
    i = int(np.argmax(first))
    return i, int(np.argmax(np.where(np.arange(len(J)) == i, -1, second)))


def draw_line(axes: Any, f: Everywhere, before: Side, after: Side) -> None:
    """Draw the map of a line, and the exact densities before and after, over histograms of draws."""
    (left,), (right,) = before.box
    t = np.linspace(left, right, FINE)
    axes[0].plot(t, f(t[:, None])[:, 0], color="0.2")
    axes[0].set(title="the map", xlabel=before.labels[0], ylabel=after.labels[0])
    axes[0].set(xlim=(left, right), ylim=np.ravel(after.box))
    for ax, side, when in zip(axes[1:], (before, after), ("before", "after"), strict=True):
        (low,), (high,) = side.box
        counts, edges = np.histogram(side.shown, 60, (low, high))
        ax.stairs(counts / len(side.draws) / np.diff(edges), edges, fill=True, color="0.85")
        integral = side.share
        if side.log_density is not None:
            grid = density_on_grid(side, low, high, FINE)  # type: ignore[arg-type]
            ax.plot(grid.axes[0], grid.density, color=COLOURS[side.letter])
            integral = grid.integral
        ax.set(xlabel=side.labels[0], xlim=(low, high), ylim=(0, 1.2 * ax.dataLim.y1))
        integral_note(ax, integral, "black", 0.93)
        entitle(ax, when, side, integral)
    for ax in axes:
        ax.set_box_aspect(1)


def draw_plane(axes: Any, f: Everywhere, held: Array, before: Side, after: Side) -> None:
    """Draw the image of a grid in the plane of two inputs, others `held`, and the densities before and after."""
    low, high = before.core

    def image(v: Array) -> Array:
        y = np.tile(held, (len(v), 1))
        y[:, before.columns] = low + (v + 2) / 4 * (high - low)
        return f(y)[:, after.columns]

    show_warp(axes[0], image, points=400 if before.n == 2 else 100)
    a, b = before.labels
    others = ",\nthe others at their median" if before.n > 2 else ""
    axes[0].set_title(f"a grid, mapped: blue lines\nhave {a} fixed, orange {b}{others}")
    frame(axes[0], after)
    for ax, side, when in zip(axes[1:], (before, after), ("before", "after"), strict=True):
        integral = show_histogram(ax, side) if side.log_density is None else show_exactly(ax, side)
        frame(ax, side)
        entitle(ax, when, side, integral)


def show_exactly(ax: Axes, side: Side) -> float:
    """Draw the density and return its integral; on a finer grid where this is not the share of draws: peaks need it."""
    integral = show_density(ax, side, *side.box, CELLS).integral  # type: ignore[arg-type]
    if abs(integral - side.share) < INTEGRAL:
        return integral
    ax.clear()
    return show_density(ax, side, *side.box, 3 * CELLS).integral  # type: ignore[arg-type]


def show_histogram(ax: Axes, side: Side, gamma: float = 0.6) -> float:
    """Draw two coordinates of the draws as a density, coloured as `show_density` does; return its integral."""
    (left, bottom), (right, top) = side.box
    bins = int(np.sqrt(len(side.draws)) / 4) + 1
    edges = [np.linspace(left, right, bins), np.linspace(bottom, top, bins)]
    counts, *_ = np.histogramdd(side.shown, edges)
    ax.imshow(counts.T**gamma, origin="lower", extent=(left, right, bottom, top), interpolation="bilinear")
    integral_note(ax, side.share)
    return side.share


def frame(ax: Axes, side: Side) -> None:
    """Label a picture of the plane, make it a square around the draws, and its notes readable on any colour."""
    from matplotlib.patheffects import withStroke

    (left, bottom), (right, top) = side.box
    ax.set(xlim=(left, right), ylim=(bottom, top), xlabel=side.labels[0], ylabel=side.labels[1], aspect="auto")
    ax.set_box_aspect(1)
    for note in ax.texts:
        note.set_path_effects([withStroke(linewidth=2, foreground="black")])


def entitle(ax: Axes, when: str, side: Side, integral: float) -> None:
    """Say what a density is, and how many draws lie where it is shown: in red where that is not its integral."""
    if side.log_density is None:
        what = "projected" if side.n > 2 else "whose rows mix"
        ax.set_title(f"{when}: {side.law},\n{len(side.draws)} draws, {what}")
        return
    but, colour = ("", "black") if abs(integral - side.share) < INTEGRAL else ("but ", WRONG)
    ax.set_title(f"{when}: {side.law}\n{but}{side.share:.1%} of draws in view", color=colour)


def heading(found: Agreement) -> str:
    """Say what the Jacobians are, and where."""
    inputs, outputs = LETTERS[found.direction]
    where = ", ".join(signed(f"{v:.2f}") for v in found.point) if len(found.point) <= 5 else ""
    at = f"point {found.row + 1} of {len(found.inputs)}" + (f", {inputs} = ({where})" if where else "")
    return f"∂{outputs}/∂{inputs} and ∂log|det|/∂{inputs} at {at}"
