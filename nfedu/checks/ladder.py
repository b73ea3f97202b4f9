"""The check ladder of a layer: what it must pass before anybody believes a picture of it."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Bijection
from nfedu.bijections.normalization.base import in_mode
from nfedu.checks.numerics.units import spread
from nfedu.checks.probes.images import images, latents
from nfedu.checks.probes.moved import moved
from nfedu.checks.probes.regions import ROWS, regions
from nfedu.checks.probes.taken import accepted, accepted_back, breakdown, taken
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.backwards import check_backward
from nfedu.checks.rungs.contract.calls import check_call
from nfedu.checks.rungs.contract.repeats import check_fresh, check_repeats
from nfedu.checks.rungs.contract.rows import check_rows
from nfedu.checks.rungs.contract.theta import Theta, check_registered
from nfedu.checks.rungs.gradient.input import WHOLE, check_input
from nfedu.checks.rungs.gradient.parameters import check_parameters
from nfedu.checks.rungs.legs import Leg, held_against_differences, there_and_back
from nfedu.checks.rungs.log_det import check_log_det, check_smooth
from nfedu.checks.rungs.mixing import check_mixing
from nfedu.checks.rungs.round_trip import check_round_trip
from nfedu.checks.rungs.structure import check_structure
from nfedu.checks.subject.guard import Trouble, guarded
from nfedu.checks.subject.lines import line_of
from nfedu.checks.subject.subject import Subject
from nfedu.flow import Flow

SLACK, SLACK_FAR = 1e3, 1e6  # of tolerances at other latents, where right code may lose digits: 1 − tanh² does
BUDGET = 3.0  # seconds for one layer; a probe that has not begun by then is left out, and the report says so
WAIT = 5.0  # times as many by the clock, and three times BUDGET at least
LATE = "no time left, give it more `seconds`"
ENTRIES = 4e6  # of the Jacobians that are held at once


def check_bijection(
    layer: Bijection | Flow, x: Array, *, rng: np.random.Generator | None = None, seconds: float = BUDGET
) -> Report:
    """Hold a layer to its contract at the data points `x` (N, n), N ≥ 2, and around them; return the report.

    Rungs 1 to 5, in both directions: contract, round trip, log-det against a dense numerical Jacobian, promised
    structure, and backward against numerical derivatives for the input and every parameter. A float64 copy is checked,
    the layer itself is not touched. That happens with parameters moved by a tenth of their size, and the points with
    them, then with the given ones; at latents of all sizes, and with one coordinate far out; in batches of several
    sizes. The report says where it was looked, and what could not be judged.

    A layer whose rows mix (BatchNorm in training) is held to all of this too: its statistics are observed at `x`, its
    log-det is compared with the Jacobian at these, and its gradients must run through them.
    `rng` draws the points, moves and gradients, default_rng(0) unless given; a probe that has not begun after `seconds`
    of the processor is left out. Raises ValueError when `x` are no points.
    """
    rng = np.random.default_rng(0) if rng is None else rng
    bijection = layer.bijection if isinstance(layer, Flow) else layer
    x = as_batch(x, bijection.n, "check_bijection").astype(np.float64)
    if len(x) < 2:
        raise ValueError("check_bijection: x has 1 row, expected at least 2, to see whether rows stay on their own")
    try:
        twin = copy.deepcopy(bijection)
    except Exception as problem:  # whatever the layer keeps
        raise ValueError(
            f"check_bijection: a {type(bijection).__name__} cannot be copied ({type(problem).__name__}: {problem}); "
            "let it keep nothing that copy.deepcopy refuses, or use `python -m nfedu check`, which builds its own"
        ) from problem
    report = Report(f"{type(bijection).__name__}, n = {bijection.n}, {len(x)} points")
    examine(report, twin, x, rng, seconds)
    return report


def examine(report: Report, layer: Any, x: Array, rng: np.random.Generator, seconds: float = BUDGET) -> None:
    """Run the ladder, for so many seconds, on a layer that nobody else uses, at data points `x` (N, n)."""
    with quiet():
        try:
            subject = Subject(layer)
            guarded(in_double, subject)
        except Trouble as trouble:
            report.fail(1, "parameters()", trouble.cause, trouble.words, where=trouble.where)
            return
        latest = time.monotonic() + WAIT * max(seconds, BUDGET)
        fresh, theta = copied(subject), Theta(subject)
        x = taken(report, subject, x)
        theta.restore()  # whoever changes it once may not a second time: the first rung is to see it
        examination = Examination(report, layer, subject, x, rng, time.process_time() + seconds, latest)
        try:
            examination.run(fresh)
        except Trouble as trouble:  # where no rung expected one
            report.fail(1, "runs", trouble.cause, trouble.words, where=trouble.where)
        except Exception as problem:  # nor a result that cannot even be compared
            words = f"its results cannot be compared: {type(problem).__name__}: {problem}"
            report.fail(1, "runs", "shape", words, where=line_of(problem.__traceback__))
    report.checks.sort(key=lambda check: check.rung)


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

    def run(self, fresh: Subject | None) -> None:
        """Climb the ladder, as far as it bears; `fresh` is a copy of the layer that was never called."""
        report, subject, rng = self.report, self.subject, self.rng
        if subject.mixes_rows and isinstance(self.layer, Bijection):
            with in_mode("observing", self.layer), suppress(Exception):  # the first rung will say what is wrong
                self.layer.x_to_z(self.x)
        check_registered(report, self.layer, subject)
        if not self.contract(self.x):
            return
        if subject.mixes_rows:
            check_mixing(report, subject, self.layer, self.x, rng)
            report.tried.append(f"{len(self.x)} points, whose rows mix, as one batch")
            return
        own = {name: p.value for name, p in subject.parameters.items()}
        with moved(subject, self.x, rng) as (x, setting):
            report.tried.append(f"{len(x)} points, {setting}")
            if fresh is None:
                report.leave_out("whether it keeps something of earlier calls: it cannot be copied")
            elif not check_fresh(report, subject, fresh, x):
                return
            if not self.untouched(x) or not self.everything(x):
                return
            self.probe_regions(x, own)
        if setting != "parameters as given":
            self.probe_given()
        elif subject.parameters:
            report.leave_out("other parameters: the layer does not stand that they are moved")

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

    def probe_regions(self, x: Array, own: dict[str, Array]) -> None:
        """Look where faults hide: latents of all sizes, one coordinate elsewhere, far out, exactly 0.

        `own` are the parameters as given: where a map cannot be undone with the moved ones, but with these, the move is
        to blame.
        """
        z = images(self.subject, "x_to_z", x)
        if z is None:
            return
        whole = latents(self.subject, len(z), self.rng)[1] == "z ~ N(0, 1)"
        for name, drawn in regions(z, self.rng).items():
            if self.late(f"latents {name}"):
                return
            trouble = breakdown(self.subject, "z_to_x", drawn) if whole else None
            if trouble is not None:
                words = f"{trouble.words}, at latents {name}"
                self.report.fail(1, f"z_to_x: latents {name}", "raises", words, where=trouble.where)
                return
            rows = max(2, min(ROWS, int(ENTRIES / 4 / self.subject.n**2)))
            y = accepted(self.subject, "z_to_x", drawn[:rows])
            self.at_other_points(name, y, own)
        self.probe_zero(z)

    def at_other_points(self, name: str, z: Array, own: dict[str, Array]) -> None:
        """Climb rungs 2 to 5 at other latents, which fail as a region does: the layer is right elsewhere."""
        report, subject = self.report, self.subject
        z = accepted_back(subject, z)
        if len(z) < 2:
            report.leave_out(f"latents {name}: the layer takes none of them")
            return
        probe = self.probe(name, z)
        if any(check.rung == 2 for check in probe.failures):
            with subject.holding(own):
                given = self.probe(name, z)
            if given.ok:
                report.leave_out(f"latents {name} with other parameters: the layer does not stand that they are moved")
                return
        report.tried.append(f"{len(z)} latents {name}")
        as_region(report, probe, name)

    def probe(self, name: str, z: Array) -> Report:
        """Return what rungs 2 to 5 say at other latents."""
        probe = Report("")
        slack = SLACK_FAR if "far" in name else SLACK
        examination = Examination(probe, self.layer, self.subject, self.x, self.rng, self.deadline, self.latest)
        try:
            base = images(self.subject, "x_to_z", self.x)
            unit = spread(z) if base is None else np.minimum(spread(z), spread(base))
            examination.both_ways("z_to_x", z, unit, f", latents {name}", False, slack)
            to = images(self.subject, "z_to_x", z)
            reach = np.ones(self.subject.n) if to is None else spread(to)
            check_parameters(probe, self.subject, "z_to_x", z, reach, self.rng, f", latents {name}", slack=slack)
            if to is not None and images(self.subject, "x_to_z", to) is not None:
                at = f", data of latents {name}"
                check_parameters(probe, self.subject, "x_to_z", to, spread(z), self.rng, at, slack=slack)
        except Trouble as trouble:
            probe.fail(2, f"latents {name}", "region", f"{trouble.words}, at latents {name}", where=trouble.where)
        return probe

    def probe_zero(self, z: Array) -> None:
        """Look at latents with a coordinate that is exactly 0, where the layer takes both sides of it."""
        report, subject = self.report, self.subject
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

    def probe_given(self) -> None:
        """Climb rungs 2 to 5 with the parameters as given."""
        if self.late("the parameters as given"):
            return
        self.report.tried.append("parameters as given")
        before = len(self.report.failures)
        self.everything(self.x)
        if len(self.report.failures) == before:
            return

    def late(self, what: str) -> bool:
        """Return whether the time is over; then say what was left out."""
        if time.process_time() < self.deadline and time.monotonic() < self.latest:
            return False
        self.report.leave_out(f"{what}: {LATE}")
        return True

    def attempt(self, rung: int, quantity: str, call: Callable[..., Any], *arguments: Any) -> bool:
        """Make the call; when the layer's code does not bear it, add a failed check that says what."""
        try:
            return call(*arguments) is not False
        except Trouble as trouble:
            return self.report.fail(rung, f"{quantity}: runs", trouble.cause, trouble.words, where=trouble.where)
        except Exception as problem:  # a result that no rung expected: whatever it is, it is the layer's
            words = f"its results cannot be compared: {type(problem).__name__}: {problem}"
            return self.report.fail(rung, f"{quantity}: runs", "shape", words, where=line_of(problem.__traceback__))


FATAL = {  # what makes the numbers of the other rungs meaningless
    "raises", "shape", "nonfinite", "input-modified", "theta-modified", "random", "stateful", "shared-memory",
    "rows-mixed", "row-position", "backward-once", "backward-nonlinear",
}  # fmt: skip


def copied(subject: Subject) -> Subject | None:
    """Return a copy of the layer, or None if it cannot be copied."""
    try:
        return Subject(guarded(copy.deepcopy, subject.layer))
    except Trouble:
        return None


def in_double(subject: Subject) -> None:
    """Give the parameters arrays of their own, in float64."""
    for p in subject.parameters.values():
        p.value, p.grad = (np.array(a, dtype=np.float64) for a in (p.value, p.grad))


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


@contextmanager
def quiet() -> Iterator[None]:
    """Keep a layer's warnings to itself: what is wrong shows in numbers."""
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        yield
