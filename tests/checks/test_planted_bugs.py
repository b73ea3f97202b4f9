"""Planted bugs: each wrong layer or flow is caught, for the cause that its file is named after, whatever the seed."""

import inspect
import json
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest

from nfedu import checks
from nfedu.__main__ import main
from nfedu.checks.causes import CAUSES
from tests.planted_bugs import right

FILES = sorted((Path(__file__).parents[1] / "planted_bugs").glob("*/[!_]*.py"))


def layers_and_flows(module):
    """The classes of a module that map something or have a density, those that it imports left out."""
    own = [c for c in vars(module).values() if inspect.isclass(c) and c.__module__ == module.__name__]
    return [c for c in own if hasattr(c, "z_to_x") or hasattr(c, "log_prob")]


BUGS = [
    pytest.param(file.stem.replace("_", "-"), bug, id=f"{file.stem}:{bug.__name__}")
    for file in FILES
    for bug in layers_and_flows(import_module(f"tests.planted_bugs.{file.parent.name}.{file.stem}"))
]


@pytest.fixture
def judged(capsys, monkeypatch):
    """How `nfedu check` judges a layer, or `check_flow` a flow: the report as a dict."""
    monkeypatch.setattr(sys, "path", list(sys.path))

    def judge(wrong, seed):
        if hasattr(wrong, "log_prob"):
            rng = np.random.default_rng(seed)
            flow = right.flow_of(wrong, rng)
            return json.loads(checks.check_flow(flow, flow.sample(8, rng), rng=rng).as_json())
        main(["check", f"{wrong.__module__}:{wrong.__name__}", "--seed", str(seed), "--json"])
        return json.loads(capsys.readouterr().out)

    return judge


def test_every_cause_has_its_file_in_its_group_and_two_bugs_or_more():
    groups = {file.stem.replace("_", "-"): file.parent.name.replace("_", "-") for file in FILES}
    assert groups == {code: cause.group for code, cause in CAUSES.items()}
    counts = Counter(bug.values[0] for bug in BUGS)
    assert all(counts[code] >= 2 for code in CAUSES), counts


@pytest.mark.parametrize(("code", "bug"), BUGS)
def test_it_says_what_is_wrong_and_where(code, bug):
    assert "\n" not in bug.__doc__
    assert "# wrong: " in inspect.getsource(bug)


@pytest.mark.parametrize("layer", [c for c in layers_and_flows(right) if c is not right.Scalar])
def test_what_bugs_are_derived_from_is_right(layer, judged):
    assert judged(layer, 0)["ok"]


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in (1, 2))])
@pytest.mark.parametrize(("code", "bug"), BUGS)
def test_it_is_caught_and_named(code, bug, seed, judged):
    assert judged(bug, seed)["cause"] == code
