"""The book's pages show every figure and every claim of their lessons; needs the extra `book`."""

import html
import re
import sys

import pytest

from nfedu.course import captions
from nfedu.course.lesson import number_of
from tests.conftest import ROOT

pytest.importorskip("jupytext")
LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]*_*.py"))


@pytest.fixture
def book(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    import lessons.book

    yield lessons.book
    sys.modules.pop("lessons.book", None)


@pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])
def test_a_page_has_every_figure_and_claim_below_the_cell_that_makes_it(book, path):
    cells = [cell for cell in book.read(path.read_text()).cells if cell.cell_type == "code"]
    shown = [(kind, data) for cell in cells for o in cell.outputs for kind, data in o.get("data", {}).items()]
    sliders = [data for _, data in shown if 'class="slider"' in data]
    shown = [(kind, data) for kind, data in shown if data not in sliders]
    kinds, texts = [kind for kind, _ in shown[::2]], shown[1::2]
    figures = {figure.stem: figure.suffix for figure in (ROOT / "figures").glob(f"{number_of(path.stem)}_*")}
    moving = {strip.stem for strip in (ROOT / "figures" / "strips").glob(f"{number_of(path.stem)}_*.webp")}
    assert {re.search(r'src="_static/(\w+)\.png"', page)[1] for page in sliders} == moving <= set(figures)
    committed = sorted(suffix for name, suffix in figures.items() if name not in moving)
    assert sorted(kind.replace("image/", ".") for kind in kinds) == committed
    written = {c.text for c in captions.read(ROOT / "figures").values() if c.source == f"Lesson {number_of(path.stem)}"}
    below = [re.fullmatch(r'<p class="caption">(.+)</p>', text)[1] for kind, text in texts if kind == "text/html"]
    below += [re.search(r'<p class="caption">(.+)</p>', page)[1] for page in sliders]
    assert sorted(below) == sorted(html.escape(text) for text in written)
    claims = [line for cell in cells for o in cell.outputs for line in o.get("text", "").splitlines()]
    rows = re.findall(
        rf"^\| [NMB]\d+ \|.* \| {number_of(path.stem)} \| ", (ROOT / "lessons" / "LEDGER.md").read_text(), re.M
    )
    assert len(claims) == len(rows) > 0
    for cell in cells:
        text = "".join(o.get("text", "") for o in cell.outputs)
        assert not text or "claim(" in cell.source


def test_a_page_ends_with_the_way_to_its_exercises(book):
    last = book.read((ROOT / "lessons" / "03c_digits.py").read_text()).cells[-1]
    assert "`python -m lessons exercise 03`" in last.source
    assert "(EXERCISES.md)" in last.source


def test_a_claim_with_a_name_in_it_goes_to_the_cell_that_says_most_of_it(book, tmp_path, monkeypatch):
    row = "| N8 | a heading | a statement | 03c | `fit` | all four less ReLU, test bits | -0.03 | -0.01 | – |"
    monkeypatch.setattr(book, "HERE", tmp_path)
    (tmp_path / "LEDGER.md").write_text(row)
    text = "# %% [markdown]\n# # 03c · a lesson\n\n# %%\nlesson.claim('N8', 'test bits', 1, 2, f)\n\n# %%\n"
    text += "lesson.claim('N8', f'all four less {name}, test bits', 1, 2, f)\n"
    quiet, loud = (cell for cell in book.read(text).cells if cell.cell_type == "code")
    assert not quiet.outputs
    assert "less ReLU" in loud.outputs[0].text
