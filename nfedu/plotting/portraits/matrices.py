"""Jacobians as pictures: which output depends on which input."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from nfedu.arrays import Array
from nfedu.plotting.portraits.agreement import Agreement
from nfedu.plotting.portraits.regions import LETTERS
from nfedu.plotting.style import SIGNED, WRONG, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.image import AxesImage

WRITTEN = 5  # up to this n the entries are written into their cells


def show_jacobian(axes: Axes, J: Array, outputs: str = "x", inputs: str = "z", limit: float | None = None) -> AxesImage:
    """Draw ∂outputs/∂inputs, a row an output: blue negative, red positive, grey where the entry is exactly 0.

    The colours end at ±`limit`, the largest entry unless given.
    """
    limit = abs(J).max() if limit is None else limit
    axes.set_facecolor("0.85")
    image = axes.imshow(np.ma.masked_where(J == 0, J), cmap=SIGNED, vmin=-limit, vmax=limit)
    for axis, n in zip((axes.yaxis, axes.xaxis), J.shape, strict=True):
        ticks = range(n) if n <= 10 else range(0, n, n // 8)
        axis.set_ticks(ticks, [f"{i + 1}" for i in ticks])
        axis.set_ticks(np.arange(n + 1) - 0.5, minor=True)
    if max(J.shape) <= 17:
        axes.grid(which="minor", color="white", linewidth=0.8)
    axes.tick_params(which="both", length=0)
    axes.set(xlabel=f"input ${inputs}_j$", ylabel=f"output ${outputs}_i$")
    return image


def show_agreement(axes: Any, found: Agreement) -> None:
    """Draw both Jacobians in one scale of colours, and their difference in its own, into three axes.

    Where the difference is rounding, its colours end at a thousandth of the Jacobians', so that noise stays pale.
    """
    limit = max(abs(found.analytic).max(), abs(found.numerical).max()) or 1.0
    end = limit / 1000 if found.agrees else found.largest
    show_rows(axes[0], found.analytic, found.direction, limit)
    show_rows(axes[1], found.numerical, found.direction, limit, bar=True)
    show_rows(axes[2], found.difference, found.direction, end, bar=True, told=found.beyond)
    axes[0].set_title("analytic, by backward")
    axes[1].set_title("central differences")
    axes[2].set_title(str(found).replace(", ", ",\n"), color="black" if found.agrees else WRONG)
    for ax in axes[1:]:
        ax.set_ylabel("")
        ax.set_yticks(ax.get_yticks()[:-1])  # log|det|'s row is named at the left
        unknown = np.argwhere(~np.isfinite(found.tolerance))  # a kink, or the edge of a domain
        ax.scatter(unknown[:, 1], unknown[:, 0], marker="x", color="0.4", s=12)


def show_rows(ax: Axes, J: Array, direction: str, limit: float, bar: bool = False, told: Array | bool = True) -> None:
    """Draw (n + 1, n) entries with a gap above the row of log|det|; where n is small write those `told`, and zeros."""
    inputs, outputs = LETTERS[direction]
    n = J.shape[1]
    thick = n // 12 or 1  # so that log|det|'s row is seen in a large matrix too
    image = show_jacobian(ax, np.concatenate([J, np.tile(J[n:], (thick - 1, 1))]), outputs, inputs, limit)
    ax.set(aspect="auto", box_aspect=1)
    ax.axhline(n - 0.5, color="white", linewidth=3)
    ticks = range(n) if n <= 10 else range(0, n, n // 6)
    ax.set_xticks(ticks, [f"{j + 1}" for j in ticks])
    ax.set_yticks([*ticks, n + (thick - 1) / 2], [*(f"{i + 1}" for i in ticks), "log|det|"])
    for i, j in np.argwhere(told | (J == 0)) if n <= WRITTEN else ():
        ink = "white" if abs(J[i, j]) > 0.65 * limit else "black"
        ax.text(
            j, i, number(float(J[i, j]), limit), ha="center", va="center", fontsize=7 if n < WRITTEN else 6, color=ink
        )
    if bar:
        beside = ax.inset_axes((1.05, 0.1, 0.06, 0.8))
        colours = ax.figure.colorbar(image, cax=beside, ticks=(-limit, 0, limit))
        colours.set_ticklabels([signed(f"{v:.0f}" if 100 <= limit < 1e4 else f"{v:.2g}") for v in (-limit, 0, limit)])
        colours.outline.set_visible(False)


def number(value: float, limit: float) -> str:
    """Return a cell's text: in hundredths of the largest entry or so, and one digit of what is smaller than that."""
    if value == 0:
        return "0"  # −0.0 too
    if abs(value) < limit / 200 or not 0.01 <= limit < 1000:
        return signed(f"{value:.1g}" if 0.0095 <= abs(value) < 1000 else f"{value:.0e}")
    exponent = int(np.floor(np.log10(limit)))
    text = f"{value:.{2 - exponent - (exponent < 0)}f}"
    return signed(text.rstrip("0").rstrip(".") if "." in text else text)
