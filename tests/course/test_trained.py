"""The weights of the long trainings: there, small, and as good as the table of results says."""

import re

import numpy as np
import pytest

import nfedu
from nfedu import datasets
from nfedu.course import trained
from nfedu.course.lesson import Lesson
from nfedu.models import image_real_nvp, mint_net
from tests.conftest import ROOT

FILES = sorted((ROOT / "lessons" / "trained").glob("*.npz"))
RESULTS = (ROOT / "lessons" / "RESULTS.md").read_text()


def test_files_are_small():
    sizes = [path.stat().st_size for path in FILES]
    assert len(sizes) >= 6
    assert max(sizes) <= 1.5e6
    assert sum(sizes) <= 8e6


def test_every_row_of_the_results_has_its_weights_and_none_is_worse_than_its_peer():
    rows = re.findall(r"^\| ([^|]+) \| (\d\.\d+) ± (\d\.\d+) .*? \| ([\d.–]+) \|$", RESULTS, re.MULTILINE)
    assert {trained.file_of(model) for model, *_ in rows} == set(FILES)
    for model, mean, spread, peer in rows:
        test = float(trained.read_arrays(trained.file_of(model), "test")[0])
        assert abs(test - float(mean)) <= 1.16 * float(spread) + 1e-3, model  # of three numbers none lies farther out
        assert peer == "–" or float(mean) <= float(peer), model


@pytest.mark.parametrize(
    ("model", "build"),
    [
        ("MintNet", lambda rng: mint_net((1, 8, 8), (16, 8, 4), (3, 4, 1), rng=rng)),
        ("RealNVP, convolutions", lambda rng: image_real_nvp((1, 8, 8), filters=24, rng=rng)),
    ],
)
def test_the_weights_reach_what_the_results_say(model, build, capsys):
    flow = trained.with_weights(model, build(np.random.default_rng(5)).astype(np.float32))
    said = float(re.search(r"which reached (\d\.\d+) bits per pixel", capsys.readouterr().out)[1])
    bits, _ = datasets.bits_per_pixel(flow, datasets.digits().test.images, np.random.default_rng(0))
    assert bits == pytest.approx(said, abs=2e-3)


def small(rng):
    return nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2))


def test_of_three_seeds_the_best_by_validation_is_kept_and_the_row_tells_of_all(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "ROOT", tmp_path)
    (tmp_path / "lessons").mkdir()
    scores, seen = iter([2.0, 1.0, 3.0]), []

    def train(flow, rng):
        seen.append(rng.random())
        flow.theta[:] = len(seen)
        return trained.Outcome(next(scores), len(seen) / 2, 0.25, 7.0)

    lesson = Lesson("04c · a title", "full", tmp_path)
    flow = trained.long_training(lesson, "A flow, small", small, train)
    assert (flow.theta == 2).all()
    assert seen == [np.random.default_rng(seed).random() for seed in (0, 1, 2)]
    table = (tmp_path / "lessons" / "RESULTS.md").read_text()
    assert "| A flow, small | 1.000 ± 0.500 bits per pixel | ± 0.250 | 2 | 7 | 04c | – |" in table
    shorter = Lesson("04c · a title", "default", tmp_path)
    assert (trained.long_training(shorter, "A flow, small", small, None).theta == 2).all()


def test_a_row_takes_the_place_of_its_models_and_rows_are_sorted(tmp_path):
    path = tmp_path / "RESULTS.md"
    for model, value in (("b", "1"), ("a", "2"), ("b", "3")):
        trained.record(path, model, value, *["x"] * 5)
    assert path.read_text().endswith("|\n| a | 2 | x | x | x | x | x |\n| b | 3 | x | x | x | x | x |\n")


def test_weights_of_another_model_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(trained, "ROOT", tmp_path)
    (tmp_path / "lessons").mkdir()
    trained.keep("small", small(None), trained.Outcome(0, 0, 0, 0))
    larger = nfedu.Flow(nfedu.StandardNormal(3), nfedu.Rescale(3))
    with pytest.raises(ValueError, match=r"small.npz holds 2 weights, the model has 3; run the lesson with --full"):
        trained.with_weights("small", larger)
