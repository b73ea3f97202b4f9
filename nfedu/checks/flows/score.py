"""score is the gradient of log_prob."""

from __future__ import annotations

from typing import Any

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.units import spread
from nfedu.checks.reports.report import Report
from nfedu.checks.subject.guard import guarded
from nfedu.checks.subject.lines import place_of
from nfedu.flow import Flow


def check_score(
    report: Report, name: str, of: Any, x: Array, rng: np.random.Generator, flow: Flow | None = None
) -> None:
    """Add: score is the gradient of log_prob, row by row, and leaves a flow's grad as it is."""
    where = place_of(of, "score")
    kept = None
    if flow is not None:
        flow.grad[:] = rng.standard_normal(flow.grad.size)
        kept = np.array(flow.grad)
    given = np.asarray(of.score(x.copy()))
    if flow is not None and kept is not None and kept.size:
        words = "score changes the flow's grad: put it back, only nll sets it"
        changed = float(abs(flow.grad - kept).max())
        report.add(5, f"{name}: grad untouched", changed, 0, "score", words, where=where)
    if given.shape != x.shape:
        report.fail(5, name, "score", f"score is of shape {given.shape}, expected {x.shape}", where=where)
        return
    twin = None if flow is None else flow.astype(np.complex128)

    def values(v: Array) -> Array:
        called = twin if twin is not None and np.iscomplexobj(v) else of
        return np.asarray(guarded(called.log_prob, v))[:, None]

    derivative = Derivative(values, x, spread(x), rng, points=True)
    D, unsure = (a[:, 0] for a in derivative.jacobian())
    size = np.maximum(abs(D), (abs(D) * spread(x)).max(axis=1, keepdims=True) / spread(x)) + 1e-3 / spread(x)
    tolerance = 1e-9 * size + np.where(np.isfinite(unsure), unsure, np.inf)
    if not np.isfinite(unsure).all():
        report.leave_out(f"{np.count_nonzero(~np.isfinite(unsure))} entries of {name}: kinks or lost digits")
        tolerance = np.where(np.isfinite(unsure), tolerance, np.finfo(float).max)
    words = "score is not the gradient of log_prob"
    if np.allclose(given, -D, rtol=1e-6, atol=1e-6 * abs(D).max()):
        words += ": its sign is flipped"
    report.compare(
        5, f"{name} ({derivative.method})", given, D, tolerance, size, cause="score", words=words, where=where
    )
