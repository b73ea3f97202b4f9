"""Rungs 2 to 4: the round trip, the log-det against a dense Jacobian (B12), and the Jacobian's promised structure."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from nfedu.arrays import Array, NonFiniteError
from nfedu.bijections.base import Bijection
from nfedu.checks.diagnosis.log_det import of_log_det
from nfedu.checks.diagnosis.round_trip import of_round_trip
from nfedu.checks.diagnosis.structure import of_structure
from nfedu.checks.numerics.matrices import BLUR, Numerical, numerical_jacobians
from nfedu.checks.numerics.rounding import EXACT, tolerance_of
from nfedu.checks.numerics.units import spread
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.contents import DIRECTIONS
from nfedu.checks.subject.guard import guarded
from nfedu.checks.subject.subject import Subject

LOG_DET = 1e-10
ENTRY = 2e-14  # to which the complex step knows an entry of a Jacobian, of the largest in its row
COARSE = 1e-4  # of a unit: what a map with float32's steps comes back to, at the least
LOST = 1e-2  # a log-det that is not known better than this is not judged
ZEROS, ONES = 0.0, 1e-12  # beside what rounding makes of the largest entry in a row


@dataclass(frozen=True)
class Leg:
    """One direction of a round trip: where from, where to, its log-det, and the numerical Jacobians on the way."""

    direction: str
    start: Array  # (N, n)
    end: Array
    log_det: Array  # (N,)
    unit: Array  # of each input, (N, n)
    numerical: Numerical
    rounding: Array  # of output and log-det, (N, n + 1)

    @property
    def blur(self) -> Array:
        """How far each input can move, in its unit, before any output moves by its own rounding, (N, n)."""
        return self.numerical.blur(self.end, self.unit)


def leg(
    subject: Subject, direction: str, y: Array, unit: Array, rng: np.random.Generator, judge: Subject | None = None
) -> Leg:
    """Go one way, and differentiate it; `judge` is the subject to differentiate, if another."""
    unit = np.broadcast_to(unit, y.shape)
    values = subject.values(direction, y.copy())
    rounding = tolerance_of(subject, direction, y, rng)
    return Leg(
        direction,
        y,
        values[:, :-1],
        values[:, -1],
        unit,
        numerical_jacobians(judge or subject, direction, y, unit, rng),
        rounding,
    )


def held_against_differences(subject: Subject, leg: Leg, rng: np.random.Generator) -> Leg:
    """Return the leg with its Jacobians taken anew, each entry by complex step and by central differences."""
    numerical = numerical_jacobians(subject, leg.direction, leg.start, leg.unit, rng, cautious=True)
    return replace(leg, numerical=numerical)


def there_and_back(
    subject: Subject, direction: str, y: Array, unit: Array, rng: np.random.Generator
) -> tuple[Leg, Leg]:
    """Return both legs of a round trip that starts at `y` (N, n), whose entries have the given units."""
    there = leg(subject, direction, y, unit, rng)
    subject.values(direction, y[::-1].copy())  # so that what a layer may keep of its last call is of no use
    reach = (abs(there.numerical.J) * there.unit[:, None]).max(axis=2)  # how far a unit of any input takes an output
    reach = np.minimum(reach, spread(there.end)) if len(y) > 1 else reach  # from where a map is steep, too far
    back = leg(subject, DIRECTIONS[direction == "z_to_x"], there.end, np.where(reach > 0, reach, 1.0), rng)
    return there, back


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


def check_log_det(report: Report, subject: Subject, leg: Leg, at: str = "", slack: float = 1.0) -> bool:
    """Add rung 3 for one direction: log_det against the slogdet of the dense numerical Jacobian, row by row."""
    J, unsure = leg.numerical.J, leg.numerical.unsure
    known = np.isfinite(unsure).all(axis=(1, 2))
    expected, loose = slogdets(J[known], unsure[known], leg.unit[known])
    blur = np.where(np.isfinite(leg.blur), leg.blur, 0.0)  # infinite: singular, or not known
    blurred = BLUR * (blur * (1 + abs(leg.numerical.of_log_det) * leg.unit)).sum(axis=1)[known]
    loose = np.where(blurred < LOST * np.maximum(1, np.nan_to_num(abs(expected))), loose + blurred, np.inf)
    judged = np.isfinite(loose)
    singular = judged & ~np.isfinite(expected)
    rows = np.flatnonzero(known)[judged]
    if not len(rows):
        report.leave_out(f"log_det of {leg.direction}{at}: its Jacobian is not known to enough digits there")
        return True
    if len(rows) < len(J):
        report.leave_out(
            f"log_det of {leg.direction}{at} in {len(J) - len(rows)} of {len(J)} rows: kinks or lost digits"
        )
    expected, given = np.where(singular, -np.inf, expected)[judged], leg.log_det[rows]
    rounding = np.nan_to_num(leg.rounding[rows, -1], nan=0.0, posinf=0.0)  # of a log-det that is finite
    tolerance = slack * LOG_DET * np.maximum(1, np.nan_to_num(abs(expected), posinf=0.0)) + loose[judged] + rounding
    cause, words = of_log_det(given, expected, tolerance)
    quantity = f"{leg.direction}: log_det ({leg.numerical.method}){at}"
    where = subject.place(leg.direction)
    given, expected = (np.nan_to_num(a, nan=1e308, neginf=-1e308) for a in (given, expected))
    size = np.maximum(1, abs(expected))
    return report.compare(3, quantity, given, expected, tolerance, size, cause=cause, words=words, where=where)


def check_smooth(report: Report, subject: Subject, leg: Leg) -> bool:
    """Add, where all else is well: a result that answers small moves in steps is no map that has a density."""
    if not leg.numerical.steps or not report.ok:
        return True
    words = "moves by 1e-9 and 1e-7 are answered in steps, as float32 makes them on the way"
    return report.fail(3, f"{leg.direction}: smooth", "precision", words, where=subject.place(leg.direction))


def slogdets(J: Array, unsure: Array, unit: Array) -> tuple[Array, Array]:
    """Return log|det J| of each Jacobian, and how far off it may be, from the uncertainty of J's entries: Σ |J⁻¹| δ."""
    if not len(J):
        return np.zeros(0), np.zeros(0)
    scale = -np.log(unit).sum(axis=1)
    whitened, off = J * unit[:, None], unsure * unit[:, None]
    for axis in (2, 1, 2):  # the size of each output for a unit step; of inputs that move all outputs far; of outputs
        size = abs(whitened).max(axis=axis, keepdims=True)
        size = np.where(size > 0, size, 1.0)
        whitened, off = whitened / size, off / size
        scale += np.log(size).sum(axis=(1, 2))
    off = off + ENTRY
    diagonal = np.einsum("Nii->Ni", whitened)
    if np.count_nonzero(whitened) == np.count_nonzero(diagonal):  # single coordinates: n may be that of an image
        size = abs(diagonal)
        unknown = (size == 0) & (np.einsum("Nii->Ni", unsure) > 0)
        loose = (np.where(unknown, np.inf, np.einsum("Nii->Ni", off)) / np.where(size > 0, size, 1.0)).sum(axis=1)
        return np.log(size).sum(axis=1) + scale, np.where(loose < LOST, loose, np.inf)
    _, log_det = np.linalg.slogdet(whitened)
    singular = (log_det == -np.inf) & (unsure == 0).all(axis=(1, 2))  # if all entries are known
    loose = np.where(singular, 0.0, np.inf)
    regular = np.isfinite(log_det)
    loose[regular] = np.einsum("Nji,Nij->N", abs(np.linalg.inv(whitened[regular])), off[regular])
    return log_det + scale, np.where(loose < LOST, loose, np.inf)


def check_structure(report: Report, subject: Subject, leg: Leg) -> None:
    """Add rung 4 for one direction: the entries of its Jacobians that the layer promises."""
    pattern_of = getattr(subject.layer, "jacobian_pattern", None)
    patterns = guarded(pattern_of) if callable(pattern_of) else None
    report.promises_nothing = patterns is None
    if patterns is None or leg.numerical.steps:
        return
    pattern = patterns[leg.direction == "x_to_z"]
    J, unsure = leg.numerical.J, np.where(np.isfinite(leg.numerical.unsure), leg.numerical.unsure, np.inf)
    worst = np.take_along_axis(J, abs(J - np.nan_to_num(pattern)).argmax(axis=0)[None], axis=0)[0]  # (n, n)
    where = subject.place(leg.direction)
    zero = pattern == 0
    fixed = ~np.isnan(pattern) & ~zero
    row_size = (abs(J) * leg.unit[:, None]).max(axis=2, keepdims=True) / leg.unit[:, None]
    for name, entries, bound in (("exact zeros", zero, ZEROS), ("fixed entries", fixed, ONES)):
        expected = np.where(entries, np.nan_to_num(pattern), np.nan)
        loose = bound + EXACT * row_size + np.where(unsure > 0, 3 * unsure + 1e-7 * row_size, 0.0)  # by differences
        words = of_structure(worst, expected, float(loose[:, entries].max(initial=0)))
        judged = np.isfinite(loose)[:, entries]
        off = np.where(judged, J[:, entries] - pattern[entries], 0.0)
        report.compare(
            4, f"{leg.direction}: {name}", off, 0 * off, np.where(judged, loose[:, entries], 1.0), np.ones(1),
            cause="mask", words=words, detail="", where=where,
        )  # fmt: skip


def round_trip_error(layer: Bijection, z: Array) -> float:
    """Return the largest error of z→x→z in the dtype of `z`; infinity when a number overflows on the way."""
    with np.errstate(all="ignore"):
        try:
            return float(abs(layer.x_to_z(layer.z_to_x(z)[0])[0] - z).max())
        except NonFiniteError:
            return np.inf
