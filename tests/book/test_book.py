"""The book's pages show below each cell what it printed: claims, figures and text; needs the extra `book`."""

import html
import re
import sys
from itertools import pairwise

import pytest

from nfedu.course import captions, cells
from nfedu.course.lesson import Claim, number_of
from tests.conftest import ROOT

jupytext = pytest.importorskip("jupytext")
pytest.importorskip("sphinx")
LESSONS = sorted((ROOT / "lessons").glob("[0-9][0-9]*_*.py"))
LEDGER = (ROOT / "lessons" / "LEDGER.md").read_text(encoding="utf-8")
ANCHOR = r'<a id="(.+?)"></a>'
CLAIM = r'<tr><td>✓</td><th scope="row"><a href="LEDGER.html#(.+?)">(.+?)</a></th><td>(.+?)</td>\n<td>(.+?)</td></tr>'
each = pytest.mark.parametrize("path", LESSONS, ids=[path.stem for path in LESSONS])


@pytest.fixture
def book(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    import lessons.book

    yield lessons.book
    sys.modules.pop("lessons.book", None)


def code(notebook):
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def content(cell):
    """What the outputs of a cell show, one after the other."""
    return [o["text"] if o.output_type == "stream" else next(iter(o.data.values())) for o in cell.outputs]


@each
def test_cells_are_those_that_jupytext_finds(path):
    text = path.read_text(encoding="utf-8")
    assert [cell.text for cell in cells.split(text)] == [c.source for c in code(jupytext.reads(text, "py:percent"))]


@each
def test_the_committed_outputs_are_of_this_text(path):
    printed = cells.load(ROOT / "lessons" / "outputs" / f"{number_of(path.stem)}.json")
    text = path.read_text(encoding="utf-8")
    assert [p.cell for p in printed] == [cell.hash for cell in cells.split(text)], "run python -m lessons"
    lines = "\n".join(line for p in printed for line in p.lines)
    assert not re.search(r"/(home|root|tmp|usr|work|Users)/|[A-Z]:\\", lines), "a path of one machine"
    assert "✗" not in lines


@each
def test_a_page_has_every_figure_with_its_caption(book, path):
    shown = [text for cell in code(book.read(path.read_text(encoding="utf-8"))) for text in content(cell)]
    pictures = [text for text in shown if '<p class="caption">' in text]
    files = [re.search(r'\.\./figures/(\S+)\n|<img src="_static/(\S+)"', text) for text in pictures]
    files = [file[1] or file[2] for file in files]
    assert sorted(files) == sorted(p.name for p in (ROOT / "figures").glob(f"{number_of(path.stem)}_*"))
    written = captions.read(ROOT / "figures")
    for file, text in zip(files, pictures, strict=True):
        shown = re.search('<p class="caption">(.*)</p>', text)[1]
        assert letters(shown) == letters(html.escape(written[file].text, quote=False))


def letters(text):
    """A text without the marks of indices, exponents and code, whichever they are."""
    return re.sub(r"</?(?:su[bp]|code)>|[_^{}`]", "", text)


@each
def test_a_page_has_every_claim_with_its_row_of_the_ledger(book, path):
    claims = re.findall(CLAIM, "\n".join(t for c in code(book.read(path.read_text("utf-8"))) for t in content(c)))
    rows = {}
    for line in LEDGER.split("\n"):
        if (anchor := re.search(ANCHOR, line)) and f" | {number_of(path.stem)} | " in line:
            row = line[2:-2].split(" | ")
            rows[anchor[1]] = (row[0], letters(row[4 if row[0][0] == "M" else 5]), row[7])  # the errata's columns
    shown = {}
    for anchor, tag, statement, numbers in claims:
        tolerance = re.match(r".+? ≤ ([^<]+)", numbers.replace("&nbsp;", " "))[1]
        shown[anchor] = (tag, letters(html.unescape(statement)).replace("|", "∣"), tolerance)
        assert ("as printed" in numbers) <= (tag[0] == "M")
    assert shown == rows
    assert len(claims) == len(rows) > 0


def test_each_row_of_the_ledger_has_a_name_of_its_own():
    names = re.findall(rf"^\| [NMB]\d+ \| {ANCHOR}", LEDGER, re.MULTILINE)
    assert len(names) == len(set(names)) == len(re.findall(r"^\| [NMB]\d+ \| ", LEDGER, re.MULTILINE)) > 200


SCRIPT = """# %% [markdown]
# # 77 · a lesson
# %%
lesson = begin("77 · a lesson")
# %%
# it prints all kinds
# %%
"""
LINES = [
    str(Claim("N8", "77 · a lesson", "a: b ≤ c, |x| < 1", 0.25, 0.5, "f")),
    str(Claim("M1", "77 · a lesson", "printed: a row", 1e-9, 1e-6, "f", 2.0)),
    "  a table",
    "",
    "    of <numbers>",
    "  figure figures/77_two_words.png: What to see, a < b.",
    str(Claim("N8", "77 · a lesson", "again", 0, 0, "f")),
    "  figure figures/77_moves.gif: It moves.",
]


@pytest.fixture
def small(book, tmp_path, monkeypatch):
    """A book of one lesson that has run, and two figures."""
    monkeypatch.setattr(book, "HERE", tmp_path / "lessons")
    monkeypatch.setattr(book, "FIGURES", tmp_path / "figures")
    (tmp_path / "figures").mkdir()
    (tmp_path / "lessons").mkdir()
    for name, words in (("77_two_words.png", "What to see, a < b."), ("77_moves.gif", "It moves.")):
        (tmp_path / "figures" / name).touch()
        captions.put(tmp_path / "figures", name, "Lesson 77", words)
    lines = [["", "── 77 · a lesson ─────", "begun"], LINES, []]
    printed = [cells.Printed(cell.hash, said) for cell, said in zip(cells.split(SCRIPT), lines, strict=True)]
    cells.save(tmp_path / "lessons" / "outputs" / "77.json", printed)
    return book


def test_what_a_cell_prints_stands_under_it_in_its_order(small):
    begun, kinds, silent = map(content, code(small.read(SCRIPT)))
    assert begun == ["begun\n"], "the title is that of the page"
    assert silent == []
    claims, text, picture, again, moving = kinds
    assert re.findall(CLAIM, claims) == [
        ("n8-77-1", "N8", "a: b ≤ c, |x| &lt; 1", "0.25&nbsp;≤&nbsp;0.5"),
        ("m1-77-1", "M1", "printed: a row", "1e-09&nbsp;≤&nbsp;1e-06<br>as printed 2&nbsp;&gt;&nbsp;1e-06"),
    ]
    assert text == "a table\n\n  of <numbers>\n"
    head, caption = picture.split("\n\n")
    assert head == ":::{image} ../figures/77_two_words.png\n:alt: What to see, a < b\n:::"
    assert caption == '<p class="caption">What to see, a &lt; b.</p>\n'
    assert re.findall(CLAIM, again) == [("n8-77-2", "N8", "again", "0&nbsp;≤&nbsp;0")]
    assert moving.startswith(":::{image} ../figures/77_moves.gif\n:alt: It moves\n")


@pytest.mark.parametrize(
    ("text", "shown", "alt"),
    [
        (
            "x_i and e^{z_a} < 1 (colour: p^0.6).",
            "x<sub>i</sub> and e<sup>z<sub>a</sub></sup> &lt; 1 (colour: p<sup>0.6</sup>).",
            None,
        ),
        ("e^{2α_i} of J_ij / J_ii", "e<sup>2α<sub>i</sub></sup> of J<sub>ij</sub> / J<sub>ii</sub>", "e^{2α_i} of"),
        ("`--full`, z_to_x, g_log_det, x_{<i}", "<code>--full</code>, z_to_x, g_log_det, x<sub>&lt;i</sub>", "--full"),
        (
            "Left. A map (see f; g), drawn on a grid of 0.5; right. More.",
            "Left. A map",
            "Left. A map, drawn on a grid of 0.5; right",
        ),
    ],
)
def test_signs_of_plain_text_become_marks_and_its_beginning_says_what_a_figure_shows(book, text, shown, alt):
    assert book.marked_up(text).startswith(shown)
    assert book.alternative(text).startswith(alt or "x_i and e^{z_a} < 1")
    assert "(" not in book.alternative(text)


@pytest.mark.parametrize(
    ("here", "there"),
    [("# it prints", "# It prints"), ("# %%\n# it", "# %%\n1\n\n# %%\n# it"), ("# %%\n# it prints all kinds\n", "")],
)
def test_outputs_of_another_text_are_not_shown_and_the_build_is_warned(small, monkeypatch, here, there):
    warned = []
    monkeypatch.setattr(small.log, "warning", lambda words, *parts: warned.append(words % parts))
    assert here in SCRIPT
    assert not any(cell.outputs for cell in code(small.read(SCRIPT.replace(here, there))))
    assert warned == ["lesson 77 has changed since its outputs were recorded: run python -m lessons"]
    assert any(cell.outputs for cell in code(small.read(SCRIPT.replace("a lesson\n# %%", "a lesson\n# Words.\n# %%"))))
    assert len(warned) == 1, "words beside the code may change"


def test_a_book_with_old_outputs_fails_and_one_with_new_outputs_is_read_again(small, tmp_path, capsys):
    from sphinx.cmd.build import main

    lessons = tmp_path / "lessons"
    (lessons / "index.md").write_text("# A book\n\n```{toctree}\n77_lesson\n```\n")
    (lessons / "77_lesson.py").write_text(SCRIPT)
    (lessons / "LEDGER.md").write_text("---\norphan: true\n---\n# Ledger\n")
    (lessons / "conf.py").write_text(
        "extensions = ['myst_nb', 'lessons.book']\n"
        "nb_execution_mode, nb_render_markdown_format, myst_enable_extensions = 'off', 'myst', ['colon_fence']\n"
        "nb_custom_formats = {'.py': 'lessons.book.read'}\n"
        "exclude_patterns = ['conf.py']\n"
    )
    build = ["-q", "-W", str(lessons), str(tmp_path / "built")]
    for name in ("77_two_words.png", "77_moves.gif"):
        (tmp_path / "figures" / name).write_bytes((ROOT / "figures" / "errata.png").read_bytes())
    assert main(build) == 0, capsys.readouterr().err
    page = tmp_path / "built" / "77_lesson.html"
    assert [text in page.read_text("utf-8") for text in ("begun", "of &lt;numbers&gt;", "n8-77-2")] == [True] * 3
    order = [page.read_text("utf-8").index(text) for text in ("m1-77-1", "a table", "two_words", "n8-77-2", "It moves")]
    assert all(a < b for a, b in pairwise(order))
    record = lessons / "outputs" / "77.json"
    record.write_text(record.read_text("utf-8").replace("begun", "begun again"), "utf-8")
    assert main(build) == 0, capsys.readouterr().err
    assert "begun again" in page.read_text("utf-8")
    (lessons / "77_lesson.py").write_text(SCRIPT.replace("# it prints", "# It prints"))
    assert main(build) != 0
    assert "run python -m lessons" in capsys.readouterr().err


def test_a_page_ends_with_the_way_to_its_exercises(book):
    last = book.read((ROOT / "lessons" / "03c_digits.py").read_text(encoding="utf-8")).cells[-1]
    assert "`python -m lessons exercise 03`" in last.source
    assert "(EXERCISES.md)" in last.source
