"""The masks of a MADE with one hidden layer as tables, and their product, which counts paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from nfedu.networks.made import MADE

if TYPE_CHECKING:
    from matplotlib.axes import Axes


def show_masks(axes: Sequence[Axes], net: MADE) -> None:
    """Draw what hidden units see of the inputs, outputs of the hidden units, and how many paths lead to an output.

    In each of the three tables a row is a unit that looks, a column one that is looked at: the masks transposed.
    """
    first, second = (net.mask(layer).astype(int) for layer in (0, 1))
    tables = ((first, 1, 0), (second, 2, 1), (first @ second, 2, 0))
    titles = ("$M_1$: hidden sees input", "$M_2$: output sees hidden", "paths from input to output")
    for ax, (table, above, below), title in zip(axes, tables, titles, strict=True):
        ax.imshow(np.ma.masked_equal(table.T, 0), cmap="YlOrRd", vmin=0, vmax=6)
        for (j, i), number in np.ndenumerate(table):
            ax.text(j, i, f"{number}", ha="center", va="center", color="black" if number else "0.7")
        for axis, at in ((ax.yaxis, above), (ax.xaxis, below)):
            axis.set_ticks(range(len(net.degrees[at])), net.degrees[at])
            axis.set_label_text(("input", "hidden, degree", "output")[at])
        ax.set_title(title)
