"""The ledger: every statement of the notes with its numbers, and every misprint with both of its forms, as a page."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from nfedu.course.lesson import Claim
from nfedu.course.plants import plants
from nfedu.course.statements import BACKWARD, MISPRINTS, STATEMENTS
from nfedu.plotting import style

if TYPE_CHECKING:
    from matplotlib.figure import Figure

CAPTION = """The errors of the ledger's errata, each divided by the tolerance of its check. Every printed form fails the
check that its corrected form passes. Closest is M1, whose error is that of an integral on a grid."""


def page(claims: Sequence[Claim], wrong: Path) -> str:
    """Return all claims as Markdown: the statements with what shows them, then the misprints.

    `wrong` is the folder of the wrong lines that claims fail for, `lessons/wrong`.
    """
    named = list(zip(claims, anchors((c.tag, c.number) for c in claims), strict=True))
    head = ["tag", "heading", "statement", "lesson", "function", "what was measured"]
    head += ["error", "tolerance", "fails when"]
    lines = [
        "# The ledger",
        "",
        "Written by `python -m lessons`: every statement of the notes (N) and of lesson 00 (B), the function that",
        "shows it, the measured error, the tolerance that it must keep, and wrong lines that make it fail, planted",
        "by `python -m tests.claims`.",
        "",
        row(*head),
        row(*["---"] * len(head)),
    ]
    for tag, (heading, says) in (STATEMENTS | BACKWARD).items():
        for c, anchor in (pair for pair in named if pair[0].tag == tag):
            measured = [f"{c.error:.2g}", f"{c.tolerance:g}", fails_when(c, wrong)]
            lines.append(row(tag, spot(anchor) + heading, says, c.number, f"`{c.function}`", c.statement, *measured))
            heading = says = ""
    head = ["tag", "printed", "should be", "lesson", "what was measured"]
    head += ["as printed", "corrected", "tolerance", "fails when"]
    lines += ["", "## Errata", "", "Each misprint's printed form fails the check that its corrected form passes.", ""]
    lines += ["![Errors of printed and corrected forms, over the tolerance](../figures/errata.png)", ""]
    lines += [row(*head), row(*["---"] * len(head))]
    for tag, (printed, corrected) in MISPRINTS.items():
        for c, anchor in (pair for pair in named if pair[0].tag == tag):
            as_printed = "–" if c.printed is None else f"{c.printed:.3g}"
            measured = [as_printed, f"{c.error:.2g}", f"{c.tolerance:g}", fails_when(c, wrong)]
            lines.append(row(tag, spot(anchor) + printed, corrected, c.number, c.statement, *measured))
            printed = corrected = ""
    return "\n".join([*lines, ""])


def anchors(made: Iterable[tuple[str, str]]) -> list[str]:
    """Return, for claims given as (tag, lesson), the names of their rows: n8-03c-2 is lesson 03c's second of N8."""
    count: Counter[tuple[str, str]] = Counter()
    names = []
    for tag, number in made:
        count[tag, number] += 1
        names.append(f"{tag}-{number}-{count[tag, number]}".lower())
    return names


def spot(anchor: str) -> str:
    """Return the HTML of a place that links lead to, `LEDGER.md#anchor`."""
    return f'<a id="{anchor}"></a>'


def fails_when(claim: Claim, wrong: Path) -> str:
    """Return what is wrong in the plants that turn a claim red, – if there are none."""
    return "; ".join(plant.words for plant in plants(wrong, claim.number) if plant.names(claim.statement)) or "–"


def row(*cells: str) -> str:
    """Return a row of a table; a bar inside a cell would end it, so it becomes the sign for divides, ∣."""
    return f"| {' | '.join(cell.replace('|', '∣') for cell in cells)} |"


def errata(claims: Sequence[Claim]) -> Figure:
    """Return a picture of the misprints: error over tolerance of each form, on a logarithmic axis."""
    from matplotlib import pyplot as plt

    pairs = {c.tag: (c.error / c.tolerance, c.printed / c.tolerance) for c in claims if c.printed is not None}
    tags = [tag for tag in MISPRINTS if tag in pairs]
    corrected, printed = np.maximum(np.array([pairs[tag] for tag in tags]).T, 1e-16)
    at = np.arange(len(tags))
    fig, ax = plt.subplots(figsize=(10, 3.8))
    ax.hlines(at, corrected, printed, color="0.85", zorder=1)
    ax.axvline(1, color="0.5", linestyle=":", label="tolerance")
    ax.scatter(corrected, at, color=style.LATENT, label="corrected form", zorder=2)
    ax.scatter(printed, at, color=style.WRONG, marker="X", label="printed form", zorder=2)
    for y, tag in zip(at, tags, strict=True):
        words = re.sub(r"_(?:{([^}]*)}|(\w))", r"$_{\1\2}$", "   →   ".join(MISPRINTS[tag]).replace("∏", "Π"))
        ax.annotate(
            words, (1.01, y), xycoords=("axes fraction", "data"), va="center", fontsize=8, annotation_clip=False
        )
    ax.set(xscale="log", xlabel="error / tolerance of its check", yticks=at, yticklabels=tags)
    ax.invert_yaxis()
    ax.legend(loc="lower center", bbox_to_anchor=(0.5, 1), ncols=3, frameon=False)
    return fig
