"""A flow uses its base and its layers as it should: log_prob one way, sample the other."""

from __future__ import annotations

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.flows.seed import check_seed
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.lines import place_of
from nfedu.flow import Flow

RELATIVE = 1e-10


def check_use(report: Report, flow: Flow, x: Array, rng: np.random.Generator) -> None:
    """Add: log_prob is the base's at x_to_z(x) plus log_det, and sample is z_to_x of the base's samples."""
    if not check_seed(report, "flow", flow.sample, flow.n, place_of(flow, "sample")):
        return
    z, log_det, _ = flow.bijection.x_to_z(x.copy())
    given, base_part = np.asarray(flow.log_prob(x.copy())), flow.base.log_prob(z)
    expected = base_part + log_det
    size = abs(base_part) + abs(log_det) + 1
    if given.shape != expected.shape:
        words = f"log_prob is of shape {given.shape}, expected {expected.shape}"
        report.fail(6, "flow: log_prob", "shape", words, where=place_of(flow, "log_prob"))
        return
    words = "log_prob is not base.log_prob(z) + log_det with z, log_det = x_to_z(x) (N6)"
    report.compare(
        6, "flow: log_prob", given, expected, RELATIVE * size, size,
        cause="direction", words=words, where=place_of(flow, "log_prob"),
    )  # fmt: skip
    drawn = flow.sample(9, np.random.default_rng(5))
    pushed = flow.bijection.z_to_x(flow.base.sample(9, np.random.default_rng(5)))[0]
    if type(flow).sample is Flow.sample or np.allclose(drawn, pushed, rtol=1e-9, atol=0):
        report.add(6, "flow: sample is z_to_x of the base's", 0, 0)
