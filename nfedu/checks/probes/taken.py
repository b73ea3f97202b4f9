"""Which of some points a layer takes, and how it refuses the others."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.probes.images import images, images_of_latents
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.subject import Subject

LARGE = 1e150  # whose square is finite


def taken(report: Report, subject: Subject, x: Array) -> Array:
    """Return the points that the layer does not refuse with a ValueError, if there are two; say how many it does."""

    def refused(y: Array) -> bool:
        try:
            subject.call("x_to_z", y.copy())
        except Trouble as trouble:
            return trouble.refused
        return False

    def bearable(y: Array) -> Array:
        return y[[not refused(row[None]) for row in y]]

    if not refused(x):
        return x
    kept = bearable(x)
    lost = len(x) - len(kept)
    if len(kept) < 2:  # on the edge, by rounding, or no points of this layer: then its own must do
        kept = bearable(images_of_latents(subject.layer, np.random.default_rng(0), 8 * len(x)))[: len(x)]
        if len(kept) < 2:
            return x
    if lost:
        report.leave_out(f"{lost} of {len(x)} points: the layer refuses them")
    return kept


def accepted(subject: Subject, direction: str, y: Array) -> Array:
    """Return the rows of `y` that a direction maps to finite numbers, all at once, or else one by one."""
    whole = images(subject, direction, y)
    if whole is not None:
        return y
    kept = [row for row in y if images(subject, direction, row[None]) is not None]
    return np.array(kept).reshape(-1, subject.n)


def accepted_back(subject: Subject, z: Array) -> Array:
    """Return the latents whose images the layer takes back, where no product of two numbers overflows."""

    def is_accepted(row: Array) -> bool:
        x = images(subject, "z_to_x", row[None])
        return x is not None and abs(x).max() < LARGE and images(subject, "x_to_z", x) is not None

    kept = [row for row in z if is_accepted(row)]
    return np.array(kept).reshape(-1, subject.n)


def breakdown(subject: Subject, direction: str, y: Array) -> Trouble | None:
    """Return what one of the rows of `y` does to the layer's code, where that is no way to refuse a point."""
    if images(subject, direction, y) is None:
        for row in y:
            try:
                subject.call(direction, row[None].copy())
            except Trouble as trouble:
                if trouble.broken:
                    return trouble
    return None
