"""A figure with a slider: its strip, its words and its static picture belong together, here and in all lessons."""

import json
import re

import numpy as np
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from nfedu.course import captions, lesson
from tests.conftest import ROOT

STRIPS = sorted((ROOT / "figures" / "strips").glob("*.webp"))


def cut(strip, words):
    """The pictures of a strip, (frames, height, width, 3)."""
    pixels = np.asarray(Image.open(strip).convert("RGB"))
    return pixels.reshape(len(words["values"]), -1, *pixels.shape[1:])


def drawn_alone(fig):
    canvas = FigureCanvasAgg(fig)
    canvas.draw()
    return np.array(canvas.buffer_rgba())[..., :3].astype(int)


def lines(ax, k):
    ax.clear()
    ax.plot([0, k])
    ax.set(ylim=(0, 5))


def noise(ax, k):
    ax.clear()
    ax.imshow(np.random.default_rng(k).standard_normal((8, 8)), interpolation="bilinear", cmap="magma")


@pytest.mark.parametrize("picture", [lines, noise])
def test_a_strip_has_the_picture_of_each_value(tmp_path, picture):
    fig, ax = plt.subplots(figsize=(3, 2), layout="constrained")
    running, values = lesson.Lesson("01 · a test", "default", tmp_path), [f"k = {k}" for k in range(5)]
    running.slide(fig, lambda k: picture(ax, k), values, "01_a", "What to see.", "how many", start=2)
    assert not plt.fignum_exists(fig.number)
    words = json.loads((running.figures / "strips" / "01_a.json").read_text())
    assert words == {"label": "how many", "values": values, "start": 2}
    shown = cut(running.figures / "strips" / "01_a.webp", words).astype(int)
    for k in range(5):
        picture(ax, k)
        off = abs(shown - drawn_alone(fig)).mean(axis=(1, 2, 3))
        assert off.argmin() == k
        assert off[k] < 2  # of 255: what the codec loses
    still = np.asarray(Image.open(running.figures / "01_a.png").convert("RGB"))
    picture(ax, 2)
    assert (still == drawn_alone(fig)).all()
    assert captions.read(running.figures)["01_a.png"].text == "What to see."


def test_a_strip_of_lines_loses_nothing(tmp_path):
    fig, ax = plt.subplots(figsize=(3, 2))
    pictures = lesson.drawn(fig, lambda k: lines(ax, k), 4)
    lesson.Lesson("01 · a test", "default", tmp_path).slide(
        fig, lambda k: lines(ax, k), ["a", "b", "c", "d"], "01_a", "What to see.", "which"
    )
    words = {"values": "abcd"}
    assert (cut(tmp_path / "figures" / "strips" / "01_a.webp", words) == pictures).all()


@pytest.mark.parametrize("strip", STRIPS, ids=[path.stem for path in STRIPS])
def test_a_committed_slider_is_whole(strip):
    words = json.loads(strip.with_suffix(".json").read_text())
    pictures = cut(strip, words)
    still = np.asarray(Image.open(ROOT / "figures" / f"{strip.stem}.png").convert("RGB"))
    assert len(set(words["values"])) == len(words["values"]) >= 4
    assert pictures.shape[1:] == still.shape
    off = abs(pictures.astype(int) - still).mean(axis=(1, 2, 3))
    assert off.argmin() == words["start"]
    assert off[words["start"]] < 4  # of 255: a palette's, and the codec's
    assert strip.stat().st_size <= 500_000
    assert strip.stem + ".png" in captions.read(ROOT / "figures")
    assert np.abs(np.diff(pictures.astype(int), axis=0)).any(axis=(1, 2, 3)).all(), "each step changes something"


def test_every_lesson_has_a_slider():
    assert {strip.stem[:2] for strip in STRIPS} == {f"{number:02}" for number in range(11)}


def test_the_book_shows_a_slider_with_its_static_picture(monkeypatch):
    pytest.importorskip("jupytext")
    monkeypatch.syspath_prepend(str(ROOT))
    from lessons import book

    page = book.moving("00d_step", "The forward difference of exp at 1", "what to see")
    words = json.loads((ROOT / "figures" / "strips" / "00d_step.json").read_text())
    assert '<img src="_static/00d_step.png" alt="The forward difference of exp at 1">' in page
    assert f'<input type="range" min="0" max="{len(words["values"]) - 1}" value="{words["start"]}">' in page
    assert re.search(r'<div class="panel" hidden><label>step h\n', page), "without a script there is nothing to move"


def test_the_script_is_small_and_needs_nothing():
    script = (ROOT / "lessons" / "static" / "slider.js").read_text()
    assert script.count("\n") <= 150
    assert not re.search(r"https?:|import |fetch\(|require\(", script)
