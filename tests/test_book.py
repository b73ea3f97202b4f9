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
    kinds, texts = [kind for kind, _ in shown[::2]], shown[1::2]
    committed = sorted(figure.suffix for figure in (ROOT / "figures").glob(f"{number_of(path.stem)}_*"))
    assert sorted(kind.replace("image/", ".") for kind in kinds) == committed
    written = {c.text for c in captions.read(ROOT / "figures").values() if c.source == f"Lesson {number_of(path.stem)}"}
    below = [(kind, re.fullmatch(r'<p class="caption">(.+)</p>', text)[1]) for kind, text in texts]
    assert sorted(below) == sorted(("text/html", html.escape(text)) for text in written)
    claims = [line for cell in cells for o in cell.outputs for line in o.get("text", "").splitlines()]
    rows = re.findall(
        rf"^\| [NMB]\d+ \|.* \| {number_of(path.stem)} \| ", (ROOT / "lessons" / "LEDGER.md").read_text(), re.M
    )
    assert len(claims) == len(rows) > 0
    for cell in cells:
        text = "".join(o.get("text", "") for o in cell.outputs)
        assert not text or "claim(" in cell.source


def test_a_page_ends_with_the_way_to_its_exercises(book):
    last = book.read((ROOT / "lessons" / "03_nice.py").read_text()).cells[-1]
    assert "`python -m lessons exercise 03`" in last.source
    assert "(EXERCISES.md)" in last.source


def test_a_claim_with_a_name_in_it_goes_to_the_cell_that_says_most_of_it(book):
    text = (ROOT / "lessons" / "03_nice.py").read_text()
    cells = [cell for cell in book.read(text).cells if "NICE on two moons" in str(cell.get("outputs"))]
    assert len(cells) == 1
    assert "two moons" in cells[0].source
