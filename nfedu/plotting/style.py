"""One look for all figures: set once, by whoever starts a script."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DENSITY = "magma"  # perceptually uniform, dark where nothing is
SIGNED = "RdBu_r"  # for numbers of both signs, white at 0
LATENT, DATA, TRUTH, WRONG = "tab:blue", "tab:orange", "0.3", "tab:red"
LOOK: dict[Any, Any] = {
    "figure.constrained_layout.use": True,
    "figure.dpi": 110,
    "savefig.dpi": 110,
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "image.cmap": DENSITY,
    "legend.frameon": False,
}


def use() -> None:
    """Set the rcParams; draw into files, without a window, unless MPLBACKEND says otherwise or this is a notebook."""
    from matplotlib import _mathtext
    from matplotlib import pyplot as plt

    _mathtext.SHRINK_FACTOR = 0.85  # of exponents: at 0.7 they are too small where a picture is 830 pixels wide
    if "MPLBACKEND" not in os.environ and "ipykernel" not in sys.modules:
        plt.switch_backend("Agg")
    plt.rcParams.update(LOOK)


def cleared(axes: Iterable[Axes]) -> list[Axes]:
    """Empty axes for the next picture of a moving figure, and return them."""
    emptied = list(axes)
    for ax in emptied:
        ax.clear()
    return emptied


def subscript(i: int) -> str:
    """Return the number of a coordinate, counted from 1, as a small one."""
    return str(i + 1).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def signed(text: str) -> str:
    """Return a number with a minus as long as a plus, and no zeros before its exponent: −1e−5."""
    return re.sub(r"e([-+]?)0*", "e\\1", text).replace("e+", "e").replace("-", "−")
