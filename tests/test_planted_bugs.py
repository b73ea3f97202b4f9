"""The ladder itself: each wrong layer is caught by the rung, and with the words, that its file names."""

import importlib
from pathlib import Path

import numpy as np
import pytest

from nfedu import checks
from nfedu.checks.report import CheckFailedError
from tests.registry import points

BUGS = sorted(p.stem for p in (Path(__file__).parent / "planted_bugs").glob("*.py") if p.stem != "__init__")


@pytest.mark.parametrize("name", BUGS)
def test_bug_is_caught_and_named(name):
    bug = importlib.import_module(f"tests.planted_bugs.{name}")
    layer = bug.layer(np.random.default_rng(0))
    for p in layer.parameters().values():
        p.value += 0.3 * np.random.default_rng(1).standard_normal(p.value.shape)
    with np.errstate(all="ignore"):
        report = checks.check_bijection(layer, points(layer))
    assert not report.ok
    first = report.failures[0]
    assert first.rung == bug.RUNG, report
    assert bug.DIAGNOSIS in first.detail + first.diagnosis, report
    with pytest.raises(CheckFailedError, match="FAIL"):
        report.raise_if_failed()
