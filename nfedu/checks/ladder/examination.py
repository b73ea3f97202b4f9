"""Climbing the rungs: the contract, and then round trip, log-det, structure and gradient at some points of a layer."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.units import spread
from nfedu.checks.probes.images import images, latents
from nfedu.checks.probes.regions import ROWS
from nfedu.checks.probes.taken import accepted_back
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.backwards import check_backward
from nfedu.checks.rungs.contract.calls import check_call
from nfedu.checks.rungs.contract.repeats import check_repeats
from nfedu.checks.rungs.contract.rows import check_rows
from nfedu.checks.rungs.gradient.input import WHOLE, check_input
from nfedu.checks.rungs.gradient.parameters import check_parameters
from nfedu.checks.rungs.legs import Leg, held_against_differences, there_and_back
from nfedu.checks.rungs.log_det import check_log_det, check_smooth
from nfedu.checks.rungs.round_trip import check_round_trip
from nfedu.checks.rungs.structure import check_structure
from nfedu.checks.subject.guard import Trouble
from nfedu.checks.subject.lines import line_of
from nfedu.checks.subject.subject import Subject

LATE = "no time left, give it more `seconds`"
ENTRIES = 4e6  # of the Jacobians that are held at once
FATAL = {  # what makes the numbers of the other rungs meaningless
    "raises", "shape", "nonfinite", "input-modified", "theta-modified", "random", "stateful", "shared-memory",
    "rows-mixed", "row-position", "backward-once", "backward-nonlinear",
}  # fmt: skip


@dataclass
class Examination:
    """One layer, the points it is looked at, and how far the look has come."""

    report: Report
    layer: Any
    subject: Subject
    x: Array
    rng: np.random.Generator
    deadline: float  # of process_time
    latest: float  # of the clock, for a layer that sleeps

    def contract(self, x: Array) -> bool:
        """Climb rung 1 in both directions; return whether the others make sense."""
        report, subject, rng = self.report, self.subject, self.rng
        if not check_call(report, subject, "x_to_z", x, rng):
            check_call(report, subject, "z_to_x", latents(subject, len(x), rng)[0], rng)  # which may be the reason
            return False
        z = np.array(subject.call("x_to_z", x.copy())[0])
        if not check_call(report, subject, "z_to_x", z, rng):
            return False
        batches = {"x_to_z": (x, z), "z_to_x": (z, x)}
        steady = [check_repeats(report, subject, d, y, other, rng) for d, (y, other) in batches.items()]
        if not all(steady):
            return False
        for direction, (y, _) in batches.items():
            self.attempt(1, f"backward of {direction}", check_backward, report, subject, direction, y, rng)
        for direction, y in self.wide(x, z).items():
            self.attempt(1, f"{direction}: rows", check_rows, report, subject, direction, y, rng)
        return not any(c.cause in FATAL for c in report.failures)

    def untouched(self, x: Array) -> bool:
        """Ask once more what a call must do, with the parameters moved: at a shift of 0 nothing shows."""
        report, subject, rng = self.report, self.subject, self.rng
        if not check_call(report, subject, "x_to_z", x, rng):
            return False
        z = np.array(subject.call("x_to_z", x.copy())[0])
        return check_call(report, subject, "z_to_x", z, rng) and not any(c.cause in FATAL for c in report.failures)

    def wide(self, x: Array, z: Array) -> dict[str, Array]:
        """Return for each direction a batch of up to ROWS points: the given ones, and images of other latents."""
        if self.subject.mixes_rows:
            return {"x_to_z": x, "z_to_x": z}
        more, _ = latents(self.subject, max(ROWS - len(z), 0), self.rng)
        others = images(self.subject, "z_to_x", more) if len(more) else None
        back = None if others is None else images(self.subject, "x_to_z", others)
        if others is None or back is None:
            return {"x_to_z": x, "z_to_x": z}
        return {"x_to_z": np.concatenate([x, others]), "z_to_x": np.concatenate([z, more])}

    def everything(self, x: Array) -> bool:
        """Climb rungs 2 to 5 at the data `x` and at latents of our own; return whether all is well."""
        report, subject, rng = self.report, self.subject, self.rng
        before = len(report.failures)
        rows = max(1, min(len(x), int(ENTRIES / subject.n**2)))
        x = x[:rows]
        self.attempt(2, "round trip", self.both_ways, "x_to_z", x, spread(self.x))
        z = images(subject, "x_to_z", x)
        drawn, domain = latents(subject, len(x), rng)
        sure = accepted_back(subject, drawn)  # not those that rounding puts on the edge of the data's domain
        drawn = sure if len(sure) > 1 else drawn
        if domain != "z ~ N(0, 1)":
            report.tried.append(f"latents where the layer takes them, {domain}")
        if subject.n**2 * len(x) <= ENTRIES / 2:
            self.attempt(
                2, "round trip", self.both_ways, "z_to_x", drawn, spread(drawn), " at latents of our own", False
            )
        if z is not None:
            for direction, y, to in (("x_to_z", x, z), ("z_to_x", z, x)):
                unit = spread(to) if len(to) > 1 else np.ones(subject.n)
                self.attempt(5, f"{direction}: parameters", check_parameters, report, subject, direction, y, unit, rng)
        return len(report.failures) == before

    def both_ways(
        self, direction: str, y: Array, unit: Array, at: str = "", structure: bool = True, slack: float = 1.0
    ) -> bool:
        """Climb rungs 2 to 5, but for the parameters, on one round trip from `y`."""
        report, subject, rng = self.report, self.subject, self.rng
        there, back = there_and_back(subject, direction, y, unit, rng)
        ok = check_round_trip(report, subject, there, back, at)
        for one in (there, back):
            found = self.one_way(one, at, structure, slack)
            if not found.ok and subject.n <= WHOLE:  # before it accuses
                found = self.one_way(held_against_differences(subject, one, rng), at, structure, slack)
            report.take(found)
            if not at:  # elsewhere a right map may have lost as many digits
                ok &= check_smooth(report, subject, one)
            ok &= found.ok
        return ok

    def one_way(self, leg: Leg, at: str, structure: bool, slack: float) -> Report:
        """Return what rungs 3 to 5 say of one direction."""
        found = Report("")
        check_log_det(found, self.subject, leg, at, slack)
        if structure:
            self.attempt(4, f"{leg.direction}: structure", check_structure, found, self.subject, leg)
        check_input(found, self.subject, leg, self.rng, at, slack)
        return found

    def attempt(self, rung: int, quantity: str, call: Callable[..., Any], *arguments: Any) -> bool:
        """Make the call; when the layer's code does not bear it, add a failed check that says what."""
        try:
            return call(*arguments) is not False
        except Trouble as trouble:
            return self.report.fail(rung, f"{quantity}: runs", trouble.cause, trouble.words, where=trouble.where)
        except Exception as problem:  # a result that no rung expected: whatever it is, it is the layer's
            words = f"its results cannot be compared: {type(problem).__name__}: {problem}"
            return self.report.fail(rung, f"{quantity}: runs", "shape", words, where=line_of(problem.__traceback__))

    def late(self, what: str) -> bool:
        """Return whether the time is over; then say what was left out."""
        if time.process_time() < self.deadline and time.monotonic() < self.latest:
            return False
        self.report.leave_out(f"{what}: {LATE}")
        return True
