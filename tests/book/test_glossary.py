"""The glossary names things that exist, and lessons that are there; it has the terms that readers asked for."""

import importlib
import re
from functools import reduce

import pytest

import nfedu
from tests.conftest import ROOT

PAGE = (ROOT / "lessons" / "GLOSSARY.md").read_text()
ROWS = re.findall(r"^\| (.+?) \| (.+?) \| (.+?) \| `nfedu\.(.+?)` \|$", PAGE, re.MULTILINE)
OWN = [row[0] for row in ROWS if row[0].isascii() or row[0].startswith("θ")]
LESSONS = "".join(path.read_text() for path in (ROOT / "lessons").glob("[0-9]*.py"))
README = (ROOT / "README.md").read_text()


def found(name):
    """Return what a dotted name of nfedu's stands for; its modules are imported."""
    parts = name.split(".")
    for i in range(len(parts), 0, -1):
        try:
            start = importlib.import_module(".".join(["nfedu", *parts[:i]]))
        except ModuleNotFoundError:
            continue
        return reduce(getattr, parts[i:], start)
    return reduce(getattr, parts, nfedu)


@pytest.mark.parametrize(("lessons", "name"), [row[2:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_every_name_exists_and_every_lesson(lessons, name):
    assert found(name) is not None
    for number in lessons.split(", "):
        assert list((ROOT / "lessons").glob(f"{number}*_*.py")), number


def test_every_row_of_the_page_is_judged():
    assert len(ROWS) == len([line for line in PAGE.split("\n") if re.match(r"\| (?!中文|term)", line)])


def test_no_term_stands_twice():
    assert len({row[0] for row in ROWS}) == len(ROWS)


@pytest.mark.parametrize("term", ["边缘分布", "后验", "雅可比矩阵", "行列式", "并行", "可逆卷积"])
def test_a_term_of_the_notes_is_there(term):
    assert term in [row[0] for row in ROWS]


@pytest.mark.parametrize("term", ["annealing", "complex step", "conditioner", "contract", "ladder", "θ"])
def test_a_term_that_the_readme_uses_is_there(term):
    assert any(term in entry for entry in OWN)


@pytest.mark.parametrize("entry", OWN)
def test_a_term_of_our_own_is_one_that_is_used(entry):
    words = [word.removesuffix("ing") for word in entry.split(", ")]
    assert any(word in text for word in words for text in (README, LESSONS)), entry


def test_the_book_brings_along_every_chinese_character_that_it_shows():
    from lessons.chinese import characters

    brought = re.search(r"^They are: (.*)$", (ROOT / "lessons/static/chinese.txt").read_text("utf-8"), re.MULTILINE)
    assert set(characters()) <= set(brought[1]), "python lessons/chinese.py FONT cuts them out anew"
    assert "流" in characters()
