"""Samples come from the generator that is passed, and from nothing else."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from nfedu.arrays import Array
from nfedu.checks.reports.report import Report


def check_seed(report: Report, name: str, sample: Callable[..., Array], n: int, where: str) -> bool:
    """Add: finite samples (count, n), the same for the same seed, others for another."""
    first, again, other = (np.asarray(sample(9, np.random.default_rng(seed))) for seed in (5, 5, 6))
    if first.shape != (9, n) or not np.isfinite(first).all():
        words = f"sample(9, rng) gave shape {first.shape}, expected finite numbers ({9}, {n})"
        return report.fail(6, f"{name}: samples", "shape" if first.shape != (9, n) else "nonfinite", words, where=where)
    same = np.array_equal(first, again)
    words = "the same seed gives other samples: draw from the generator that is passed, and from nothing else"
    if not report.add(6, f"{name}: same seed, same samples", not same, 0, "seed", words, where=where):
        return False
    words = "another seed gives the same samples: draw from the generator that is passed"
    return report.add(
        6, f"{name}: another seed, other samples", np.array_equal(first, other), 0, "seed", words, where=where
    )
