"""Rung 3: the log-det against the slogdet of the dense numerical Jacobian (B12)."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.diagnosis.log_det import of_log_det
from nfedu.checks.numerics.matrices import BLUR
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.legs import Leg
from nfedu.checks.subject.subject import Subject

LOG_DET = 1e-10
ENTRY = 2e-14  # to which the complex step knows an entry of a Jacobian, of the largest in its row
LOST = 1e-2  # a log-det that is not known better than this is not judged


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


def check_smooth(report: Report, subject: Subject, leg: Leg) -> bool:
    """Add, where all else is well: a result that answers small moves in steps is no map that has a density."""
    if not leg.numerical.steps or not report.ok:
        return True
    words = "moves by 1e-9 and 1e-7 are answered in steps, as float32 makes them on the way"
    return report.fail(3, f"{leg.direction}: smooth", "precision", words, where=subject.place(leg.direction))
