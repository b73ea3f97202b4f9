"""The benchmarks measure what they say, and, marked slow, memory keeps its limits at full size."""

import re
from pathlib import Path

import numpy as np
import pytest

from nfedu.memory import keep_freed_memory
from tests.benchmarks import growth, memory, page
from tests.conftest import ROOT

proc = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="resident memory is read from Linux")
slow = pytest.mark.slow


def in_blocks(megabytes):
    return sum(block.sum() for block in [np.ones(10**6) for _ in range(megabytes // 8)])


@proc
@pytest.mark.parametrize(("call", "megabytes"), [(lambda: in_blocks(80), 80), (lambda: np.ones(10**7), 0)])
def test_memory_rises_by_what_a_call_holds_at_most_beyond_its_result(call, megabytes):
    keep_freed_memory()
    in_blocks(160)  # an earlier and higher peak, of which free blocks are kept
    assert abs(memory.rise(call)["call"] / memory.MB - megabytes) < 3


@proc
def test_a_process_of_its_own_measures_a_step_and_its_gradient():
    small = {"n": 4, "layers": 3, "hidden": 8}
    for way in memory.WAYS:
        peak = memory.measured(memory.Work("nll", rows=50_000, way=way, **small))
        assert 50_000 * 8 * 8 < peak["call"] < peak["total"]  # a hidden layer's activations
    errors = memory.measured(memory.Work("gradients", rows=20, activation="tanh", **small))
    for name, (error, refused) in errors.items():
        eps = np.finfo(name.split(", ")[1]).eps
        assert eps / 100 < error < 100 * eps
        assert not refused


def test_a_gradient_that_is_refused_is_said_to_be():
    flow, x = memory.made(memory.Work("nll", 2, 2, 8, 5, "reversible"))
    assert not memory.is_refused(flow, x)
    flow.bijection.tolerance = 0.0
    assert memory.is_refused(flow, x)
    assert np.isfinite(flow.grad).all()


def test_a_slope_is_that_of_the_large_end():
    sizes = 2.0 ** np.arange(12)
    assert growth.slope(sizes, 1e4 + 3 * sizes**2) == pytest.approx(2, abs=0.01)


def test_a_step_takes_longer_than_its_products(monkeypatch):
    monkeypatch.setattr(growth, "SECONDS", 0.05)
    for model in growth.MODELS:
        step, products = growth.measure(growth.Work("step", model, n=2, layers=2, hidden=8, batch=16))
        assert 0 < products < step < 1


def test_a_section_replaces_its_own_and_leaves_the_others(tmp_path):
    path, (first, second, third) = tmp_path / "page.md", page.SECTIONS
    page.put(path, third, "three\n")
    page.put(path, first, "one, ## not a heading\n")
    page.put(path, second, "\ntwo")
    page.put(path, third, "3")
    expected = f"# Benchmarks\n\n## {first}\n\none, ## not a heading\n\n## {second}\n\ntwo\n\n## {third}\n\n3\n"
    assert path.read_text() == expected


def test_the_page_has_all_sections_with_their_commands_and_figures():
    text = (ROOT / "lessons" / "BENCHMARKS.md").read_text()
    assert tuple(re.findall(r"^## (.*)", text, re.MULTILINE)) == page.SECTIONS
    scripts = re.findall(r"^Written by `python (\S+)", text, re.MULTILINE)
    assert scripts == [f"tests/benchmarks/{name}.py" for name in ("peers", "growth", "memory")]
    figures = re.findall(r"^:::\{figure-md\}\n!\[.+\]\(\.\./(figures/\S+)\)\n\n(?:.+\n)+:::$", text, re.MULTILINE)
    assert figures == ["figures/growth.png", "figures/reversible.png"]
    assert all((ROOT / path).exists() for path in (*scripts, *figures))


@slow
@proc
@pytest.mark.parametrize("case", memory.EVALUATION)
def test_a_million_rows_take_150_megabytes_at_most(case):
    assert memory.measured(memory.EVALUATION[case])["call"] <= 150 * memory.MB


@slow
@proc
def test_a_reversible_step_of_64_layers_holds_what_one_of_8_holds():
    """Beyond parameters and gradients, which are there before the step."""
    growth_of = {}
    for way in memory.WAYS:
        shallow, deep = (memory.measured(memory.TRAINING[way, depth])["call"] for depth in (8, 64))
        growth_of[way] = deep / shallow
    assert growth_of["reversible"] <= 1.3
    assert growth_of["plain"] > 5


@slow
@proc
def test_a_reversible_gradient_of_64_layers_is_as_good_as_a_plain_one():
    errors = memory.measured(memory.GRADIENTS["tanh", 64])
    for dtype in memory.DTYPES:
        (plain, _), (reversible, refused) = (errors[f"{way}, {dtype}"] for way in memory.WAYS)
        assert not refused
        assert reversible <= 2 * plain
