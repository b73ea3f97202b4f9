"""Rung 2: what comes back is where it started."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.bijections.base import Bijection
from nfedu.checks.diagnosis.round_trip import of_round_trip
from nfedu.checks.numerics.matrices import Numerical
from nfedu.checks.numerics.rounding import EXACT
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.legs import Leg
from nfedu.checks.subject.subject import Subject

COARSE = 1e-4  # of a unit: what a map with float32's steps comes back to, at the least


def check_round_trip(report: Report, subject: Subject, there: Leg, back: Leg, at: str = "") -> bool:
    """Add rung 2: what comes back is where it started, up to what both Jacobians make of rounding."""
    start, J, inverse = there.start, abs(there.numerical.J), slopes_back(there.numerical, back.numerical)
    known = np.asarray(np.isfinite(inverse).all(axis=(1, 2)))
    if not known.all():
        report.leave_out(
            f"the round trip{at} in {np.count_nonzero(~known)} of {len(known)} rows: no digits are left there"
        )
        inverse = np.where(known[:, None, None], inverse, 0.0)
    on_the_way = EXACT * (abs(there.end) + np.einsum("Nij,Nj->Ni", J, abs(start)))
    size = np.maximum(abs(start), there.unit)
    tolerance = EXACT * size + np.einsum("Nij,Nj->Ni", inverse, on_the_way) + back.rounding[:, :-1]
    stairs = there.numerical.steps or back.numerical.steps
    tolerance = np.where(known[:, None], tolerance, COARSE * size if stairs else np.finfo(float).max)
    if not known.any() and not stairs:
        return True
    came = np.where(known[:, None] | stairs, back.end, start)
    cause, words = of_round_trip(came, start, there.unit, tolerance, there.end, stairs)
    if cause == "inexact" and stands_still(subject, there, back, came - start):
        cause = "precision"
        words = f"{words.partition(',')[0]}: smaller moves get no answer, as of log(1 + u) or 1 − u: see log1p, expm1"
    letters = "z→x→z" if there.direction == "z_to_x" else "x→z→x"
    places = f"{subject.place(there.direction)} and {subject.place(back.direction)}"
    return report.compare(
        2, letters + at, came, start, np.minimum(tolerance, size * 1e300), size, cause=cause, words=words, where=places
    )


def stands_still(subject: Subject, there: Leg, back: Leg, off: Array) -> bool:
    """Return whether moves of a hundredth of what a round trip is `off` change nothing, in most rows, either way."""
    wrong = abs(off) > 0.1 * abs(off).max()  # a staircase has no slope; a series that is cut short has one
    little = np.where(wrong, 0.01 * off, 0.0)
    rows = wrong.any(axis=1)
    for leg, move in ((there, little), (back, np.einsum("Nij,Nj->Ni", there.numerical.J, little))):
        moved = leg.start + move
        asked = rows & (moved != leg.start).any(axis=1)
        still = (subject.values(leg.direction, moved)[:, :-1] == leg.end).all(axis=1)
        if asked.any() and still[asked].mean() > 0.5:
            return True
    return False


def slopes_back(there: Numerical, back: Numerical) -> Array:
    """Return |∂back/∂end|, (N, n, n): as differentiated, or else from the way there, or infinite."""
    slopes = np.where(np.isfinite(back.unsure), abs(back.J), np.nan)
    for row in np.flatnonzero(np.isnan(slopes).any(axis=(1, 2))):
        known = np.isfinite(there.unsure[row]).all()
        try:
            slopes[row] = abs(np.linalg.inv(there.J[row])) if known else np.inf
        except np.linalg.LinAlgError:
            slopes[row] = np.inf
    return slopes


def round_trip_error(layer: Bijection, z: Array) -> float:
    """Return the largest error of z→x→z in the dtype of `z`; infinity when a number overflows on the way."""
    with np.errstate(all="ignore"):
        try:
            return float(abs(layer.x_to_z(layer.z_to_x(z)[0])[0] - z).max())
        except NonFiniteError:
            return np.inf
