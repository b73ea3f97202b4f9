"""`nfedu check`: judge anybody's layer."""

from __future__ import annotations

import argparse
import contextlib
import json
import sys

import numpy as np

from nfedu.checks.ladder.bijection import BUDGET
from nfedu.checks.ladder.dimensions import OTHERS, check_class
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import Trouble, quiet
from nfedu.command import layers

DESCRIPTION = """Judge a layer: its contract, round trip, log-det, structure and gradients, both ways.

It needs z_to_x, x_to_z, parameters() and n, as nfedu.Bijection describes; it need not inherit from it."""

EXAMPLES = """examples:
  nfedu check my_layer.py:Cube                       in its own dimension or n = 3, and a look at others
  nfedu check my_layer.py:Cube --n 2 8               in these dimensions
  nfedu check my_layer.py:Unit --low 0 --high 1      data lie in (0, 1)
  nfedu check nfedu:MintUnit --with shape=1,4,4      a class of a package, with more for its constructor

In a report, 3.5e-01 > 9.0e-12 is an error and its tolerance, both in the size of what is compared: of a derivative, the
largest of its output for a unit of any input. [5, 3, 1] is row, output and input, from 0; the last output is log_det.
After the first failure it looks no further: a report that fails has fewer checks than one that passes.

exit code: 0 no check fails, 1 one does, 2 the question makes no sense"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what `check` takes."""
    layers.add_place(parser)
    layers.add_arguments(parser)
    layers.add_seed(parser)
    seconds = "of the processor, in which probes may begin (3): what is left out then, the report says"
    parser.add_argument("--seconds", type=float, default=BUDGET, help=seconds)
    parser.add_argument("-v", "--verbose", action="store_true", help="show every check")
    parser.add_argument("--json", action="store_true", help="print the report as JSON, and nothing else")


def run(options: argparse.Namespace) -> int:
    """Judge the layer in every dimension asked for; print one report each; return the exit code."""
    with contextlib.redirect_stdout(sys.stderr), quiet():  # what the learner's file prints is not ours
        try:
            reports = judge(options)
        except Trouble as trouble:
            raise ValueError(layers.told(trouble)) from trouble
    if options.json:
        print(reports[0].as_json() if len(reports) == 1 else json.dumps([json.loads(r.as_json()) for r in reports]))
    else:
        print("\n".join(r.full() if options.verbose else r.summary() for r in reports))
    return 0 if all(r.ok for r in reports) else 1


def judge(options: argparse.Namespace) -> list[Report]:
    """Return a report for each dimension asked for."""
    if options.n and min(options.n) < 1:
        raise ValueError(f"--n {min(options.n)}: expected an integer ≥ 1, the dimension of a point")
    if not options.seconds > 0:
        raise ValueError(f"--seconds {options.seconds:g}: expected a number > 0")
    build = layers.Builder(layers.find(options.layer), layers.literals(options.options), options.seed)
    if options.n and not build.takes_n:
        raise ValueError(f"--n {options.n[0]}: the constructor takes no n")
    asked = "--points" if not str(options.points).isdecimal() else "--n" if len(options.n or []) > 1 else ""
    others = OTHERS if build.takes_n and not asked else ()
    reports = [
        check_class(
            build,
            lambda layer: layers.data_for(layer, options),
            n=n,
            others=others,
            seeds=2 if build.takes_rng else 0,
            rng=np.random.default_rng(options.seed),
            seconds=options.seconds,
        )
        for n in options.n or [None]
    ]
    for report in reports if build.takes_n and asked else ():
        report.tried.append(f"no other n, as {asked} says which")
    return reports
