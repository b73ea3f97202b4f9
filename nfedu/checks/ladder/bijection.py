"""The check ladder of a layer: what it must pass before anybody believes a picture of it."""

from __future__ import annotations

import copy
import time
from contextlib import suppress
from typing import Any

import numpy as np

from nfedu.arrays import Array, as_batch
from nfedu.bijections.base import Bijection
from nfedu.bijections.normalization.base import in_mode
from nfedu.checks.ladder.examination import Examination
from nfedu.checks.ladder.regions import probe_regions
from nfedu.checks.probes.moved import moved
from nfedu.checks.probes.taken import taken
from nfedu.checks.reports.report import Report
from nfedu.checks.rungs.contract.repeats import check_fresh
from nfedu.checks.rungs.contract.theta import Theta, check_registered
from nfedu.checks.rungs.mixing import check_mixing
from nfedu.checks.subject.guard import Trouble, guarded, quiet
from nfedu.checks.subject.lines import line_of
from nfedu.checks.subject.subject import Subject
from nfedu.flow import Flow

BUDGET = 3.0  # seconds for one layer; a probe that has not begun by then is left out, and the report says so
WAIT = 5.0  # times as many by the clock, and three times BUDGET at least


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
            climb(examination, fresh)
        except Trouble as trouble:  # where no rung expected one
            report.fail(1, "runs", trouble.cause, trouble.words, where=trouble.where)
        except Exception as problem:  # nor a result that cannot even be compared
            words = f"its results cannot be compared: {type(problem).__name__}: {problem}"
            report.fail(1, "runs", "shape", words, where=line_of(problem.__traceback__))
    report.checks.sort(key=lambda check: check.rung)


def climb(examination: Examination, fresh: Subject | None) -> None:
    """Climb the ladder, as far as it bears; `fresh` is a copy of the layer that was never called."""
    report, subject, rng = examination.report, examination.subject, examination.rng
    if subject.mixes_rows and isinstance(examination.layer, Bijection):
        with in_mode("observing", examination.layer), suppress(Exception):  # the first rung will say what is wrong
            examination.layer.x_to_z(examination.x)
    check_registered(report, examination.layer, subject)
    if not examination.contract(examination.x):
        return
    if subject.mixes_rows:
        check_mixing(report, subject, examination.layer, examination.x, rng)
        report.tried.append(f"{len(examination.x)} points, whose rows mix, as one batch")
        return
    own = {name: p.value for name, p in subject.parameters.items()}
    with moved(subject, examination.x, rng) as (x, setting):
        report.tried.append(f"{len(x)} points, {setting}")
        if fresh is None:
            report.leave_out("whether it keeps something of earlier calls: it cannot be copied")
        elif not check_fresh(report, subject, fresh, x):
            return
        if not examination.untouched(x) or not examination.everything(x):
            return
        probe_regions(examination, x, own)
    if setting != "parameters as given":
        if not examination.late("the parameters as given"):
            report.tried.append("parameters as given")
            examination.everything(examination.x)
    elif subject.parameters:
        report.leave_out("other parameters: the layer does not stand that they are moved")


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
