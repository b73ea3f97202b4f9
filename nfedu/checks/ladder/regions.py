"""Regions where faults hide: other latents, at which what fails has the cause "region", for it is right elsewhere."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.ladder.examination import ENTRIES, Examination
from nfedu.checks.numerics.units import spread
from nfedu.checks.probes.images import images, latents
from nfedu.checks.probes.regions import ROWS, regions
from nfedu.checks.probes.taken import accepted, accepted_back, breakdown
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.gradient.parameters import check_parameters
from nfedu.checks.subject.guard import Trouble

SLACK, SLACK_FAR = 1e3, 1e6  # of tolerances at other latents, where right code may lose digits: 1 − tanh² does


def probe_regions(examination: Examination, x: Array, own: dict[str, Array]) -> None:
    """Look where faults hide: latents of all sizes, one coordinate elsewhere, far out, exactly 0.

    `own` are the parameters as given: where a map cannot be undone with the moved ones, but with these, the move is
    to blame.
    """
    report, subject, rng = examination.report, examination.subject, examination.rng
    z = images(subject, "x_to_z", x)
    if z is None:
        return
    whole = latents(subject, len(z), rng)[1] == "z ~ N(0, 1)"
    for name, drawn in regions(z, rng).items():
        if examination.late(f"latents {name}"):
            return
        trouble = breakdown(subject, "z_to_x", drawn) if whole else None
        if trouble is not None:
            words = f"{trouble.words}, at latents {name}"
            report.fail(1, f"z_to_x: latents {name}", "raises", words, where=trouble.where)
            return
        rows = max(2, min(ROWS, int(ENTRIES / 4 / subject.n**2)))
        y = accepted(subject, "z_to_x", drawn[:rows])
        at_other_points(examination, name, y, own)
    probe_zero(examination, z)


def at_other_points(examination: Examination, name: str, z: Array, own: dict[str, Array]) -> None:
    """Climb rungs 2 to 5 at other latents, which fail as a region does: the layer is right elsewhere."""
    report, subject = examination.report, examination.subject
    z = accepted_back(subject, z)
    if len(z) < 2:
        report.leave_out(f"latents {name}: the layer takes none of them")
        return
    found = probe(examination, name, z)
    if any(check.rung == 2 for check in found.failures):
        with subject.holding(own):
            given = probe(examination, name, z)
        if given.ok:
            report.leave_out(f"latents {name} with other parameters: the layer does not stand that they are moved")
            return
    report.tried.append(f"{len(z)} latents {name}")
    as_region(report, found, name)


def probe(examination: Examination, name: str, z: Array) -> Report:
    """Return what rungs 2 to 5 say at other latents."""
    found, subject, rng = Report(""), examination.subject, examination.rng
    slack = SLACK_FAR if "far" in name else SLACK
    try:
        base = images(subject, "x_to_z", examination.x)
        unit = spread(z) if base is None else np.minimum(spread(z), spread(base))
        replace(examination, report=found).both_ways("z_to_x", z, unit, f", latents {name}", False, slack)
        to = images(subject, "z_to_x", z)
        reach = np.ones(subject.n) if to is None else spread(to)
        check_parameters(found, subject, "z_to_x", z, reach, rng, f", latents {name}", slack=slack)
        if to is not None and images(subject, "x_to_z", to) is not None:
            at = f", data of latents {name}"
            check_parameters(found, subject, "x_to_z", to, spread(z), rng, at, slack=slack)
    except Trouble as trouble:
        found.fail(2, f"latents {name}", "region", f"{trouble.words}, at latents {name}", where=trouble.where)
    return found


def probe_zero(examination: Examination, z: Array) -> None:
    """Look at latents with a coordinate that is exactly 0, where the layer takes both sides of it."""
    report, subject = examination.report, examination.subject
    for j in (*range(min(subject.n, 4)), slice(None)):
        beside = np.repeat(z[:1], 3, axis=0)
        beside[:, j] = np.reshape([0.0, 1e-3, -1e-3], (3, 1) if isinstance(j, slice) else 3)
        if len(accepted(subject, "z_to_x", beside[1:])) < 2:
            continue
        try:
            values = subject.values("z_to_x", beside[:1])
        except Trouble as trouble:
            if not trouble.refused:
                report.fail(1, "z_to_x at 0", "region", trouble.words, where=trouble.where)
            continue
        if not np.isfinite(values).all():
            which = "all coordinates are" if isinstance(j, slice) else f"coordinate {j} is"
            words = f"not finite where {which} exactly 0, finite on both sides of it"
            report.fail(1, "z_to_x at 0", "region", words, where=subject.place("z_to_x"))
            return


def as_region(report: Report, probe: Report, name: str) -> None:
    """Take over the checks of a probe; failures get the cause "region", since the same was right elsewhere.

    But where digits are lost on a round trip, that is the cause, and what follows from it is not judged.
    """
    lost = any(check.rung == 2 and check.cause == "precision" for check in probe.failures)
    if lost and any(check.rung > 2 for check in probe.failures):
        report.leave_out(f"log-dets and gradients, latents {name}: the round trip shows that digits are lost")
    for check in probe.checks:
        if check.passed:
            report.checks.append(check)
        elif lost and check.rung == 2:
            report.add(
                2, check.quantity, check.error, check.tolerance, "precision", check.words, check.detail, check.where
            )
        elif lost:
            continue
        else:
            words = f"right at the first points, wrong at latents {name}: {check.words}"
            report.add(
                check.rung, check.quantity, check.error, check.tolerance, "region", words, check.detail, check.where
            )
    for what in probe.not_judged:
        report.leave_out(what)
