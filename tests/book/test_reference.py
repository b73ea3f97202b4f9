"""The book's pages beside the lessons: each name once, each cause and tag, the way to them; needs the extra `book`."""

import html
import importlib
import inspect
import pkgutil
import re
from collections import Counter
from posixpath import dirname, join, normpath

import pytest

import nfedu
from nfedu.checks.causes import CAUSES
from nfedu.course.statements import MISPRINTS, TAGS
from tests.conftest import ROOT, run

pytest.importorskip("myst_nb")
LESSONS = ROOT / "lessons"
MODULES = [m.name for m in pkgutil.walk_packages(nfedu.__path__, "nfedu.") if not m.name.endswith("__main__")]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The book as it is built, each page's article by its name."""
    out = tmp_path_factory.mktemp("book")
    done = run("-m", "sphinx", "-q", "-W", str(LESSONS), str(out), cwd=ROOT)
    assert done.returncode == 0, done.stderr
    articles = {}
    for path in out.rglob("*.html"):
        found = re.search(r"<article.*?</article>", path.read_text(), re.DOTALL)
        articles[path.relative_to(out).as_posix()] = found[0] if found else ""
    return articles


def words(article):
    """Text without marks, in one line."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", article)))


def links(name, article):
    """The pages that a page's article links to."""
    targets = re.findall(r'href="([^":#]+\.html)', article)
    return {normpath(join(dirname(name), target)) for target in targets}


# The API


def public():
    """The classes and functions that nfedu's files define, by file; no name that begins with an underscore."""
    for name in MODULES:
        for key, value in vars(importlib.import_module(name)).items():
            is_one = inspect.isclass(value) or inspect.isroutine(value)
            if is_one and key[0] != "_" and key == value.__name__ and value.__module__ == name:
                yield name, key, value


def found(name):
    """What a dotted name stands for."""
    module, _, key = name.rpartition(".")
    try:
        return getattr(importlib.import_module(module), key)
    except ModuleNotFoundError:  # a method: its class is one of the names
        return None


def described(pages):
    """The names that the API describes in full, as often as it does."""
    names = [
        n
        for page in sorted(pages)
        if page.startswith("pages/api/")
        for n in re.findall(r'<dt [^>]*id="([^"]+)"', pages[page])
    ]
    return [name for name in names if found(name) is not None]


def test_every_public_name_stands_there_once(pages):
    full = Counter(id(found(name)) for name in described(pages))
    brief = Counter()
    for page, article in pages.items():
        for file, section in re.findall(
            r'<section id="(nfedu-[\w-]+)-py">(.*?)(?=<section id="nfedu-|</article>)', article, re.S
        ):
            assert page.startswith("pages/api/")
            _, _, others = section.partition("Within the package:")
            for key in re.findall(r'<li><p><code[^>]*><span class="pre">(\w+)</span></code>: ', others):
                brief[file, key] += 1
    for module, key, value in public():
        times = full[id(value)] + brief[module.replace(".", "-").replace("_", "-"), key]
        assert times == 1, f"{module}.{key} stands there {times} times"
    assert sum(full.values()) + sum(brief.values()) == len(list(public())) + 2, "and CAUSES and TOYS"


@pytest.mark.parametrize("folder", ["nfedu", *(name for name in MODULES if "." not in name[6:])])
def test_what_a_folder_offers_is_described_in_full(pages, folder):
    names = described(pages)
    module = importlib.import_module(folder)
    for key in getattr(module, "__all__", ()):
        value = getattr(module, key)
        if not inspect.ismodule(value):
            assert sum(found(name) is value for name in names) == 1, key


def test_a_formula_of_a_docstring_keeps_its_lines_and_indices(pages):
    article = pages["pages/api/bijections.html"]
    lines = re.findall(r'<div class="line">(.*?)</div>', article)
    [line] = [line for line in lines if words(line).startswith("z_to_x: x1:d = z1:d,") and "N14" in line]
    assert line.startswith("z_to_x: x<sub>1:d</sub> = z<sub>1:d</sub>,")
    text = words(re.sub(r"<code.*?</code>", "", article))
    assert not re.search(r"\w_\{|\\[_*|]|`", text)
    assert not re.search(r"TypeAlias|ndarray\[", text)


# Causes, tags, papers


def test_every_cause_has_its_place(pages):
    article = pages["pages/causes.html"]
    for code, cause in CAUSES.items():
        assert article.count(f'id="cause-{code}"') == 1
        assert f'<a class="reference internal" href="#cause-{code}">' in article
        [wrong, _] = re.findall(r"^```python\n(.*?)^```$", cause.page, re.M | re.S)
        assert " ".join(wrong.split()) in words(article)


def test_every_tag_has_its_place_and_a_lesson_that_claims_it(pages):
    article = pages["pages/tags.html"]
    rows = dict(re.findall(r'<tr[^>]*><td><p><span id="\w+">(\w+)</span></p></td>(.*?)</tr>', article, re.S))
    assert tuple(rows) == (*(t for t in TAGS if t[0] == "N"), *MISPRINTS, *(t for t in TAGS if t[0] == "B"))
    assert all(f'id="{tag.lower()}"' in article for tag in TAGS)
    ledger = (LESSONS / "LEDGER.md").read_text()
    for tag, row in rows.items():
        claimed = {line.split(" | ")[3] for line in ledger.split("\n") if line.startswith(f"| {tag} |")}
        assert set(re.findall(r'href="[./]*(\d\d\w?)_', row)) == claimed != set()


def test_a_misprint_leads_from_the_tags_to_where_a_lesson_explains_it(pages):
    links = re.findall(r'href="\.\./(\w+\.html)#(m\d+)"', pages["pages/tags.html"])
    assert [anchor for _, anchor in links] == [f"m{k}" for k in range(1, 13)]
    for page, anchor in links:
        assert f'<strong id="{anchor}">' in pages[page]


def test_every_paper_that_is_cited_is_in_the_bibliography():
    entries = re.findall(r"^\| (\S.*?) \|", (LESSONS / "pages" / "bibliography.md").read_text(), re.M)
    cited = set()
    for path in [*(ROOT / "nfedu").rglob("*.py"), *LESSONS.glob("*.py")]:
        text = re.sub(r"\s+(# )?", " ", path.read_text())
        cited |= set(
            re.findall(r"([A-Z][a-z]\w+(?:-\w+)?)(?:,? et al\.| & [A-Z]\w+)? \(?((?:19|20)\d\d)\b[,;:) ]", text)
        )
    assert len(cited) > 30
    for name, year in cited:
        assert any(name in entry and f"({year})" in entry for entry in entries), f"{name} {year}"


# The way there


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("how to run lesson 6", "python -m lessons 6 runs"),
        ("what M8 means", r"M8 N18: .{,50} μi\(x<i\): the first are one off 06a"),
        ("how to check my own layer", r"python -m nfedu check my_layer\.py:"),
        ("what bound does", "bound .{,60} bounds the log-scales: "),
        ("how fast it is against zuko", "work: .{,40} ms nfedu FlowJAX zuko .{,40} products .{,20} RealNVP step"),
    ],
)
def test_a_reader_finds_it_within_two_clicks(pages, question, answer):
    first = {"index.html"} | links("index.html", pages["index.html"])
    near = first | {target for name in first for target in links(name, pages[name])}
    assert any(re.search(answer, words(pages[name])) for name in near), question


def test_every_page_can_be_reached(pages):
    near, new = set(), {"index.html"}
    while new:
        near |= new
        new = {target for name in new for target in links(name, pages[name])} - near
    assert set(pages) - near <= {"genindex.html", "search.html", "py-modindex.html"}


# What the book sets and links by itself


def test_indices_of_plain_text_are_set_and_names_in_code_stay(pages):
    article = pages["EXERCISES.html"]
    assert "log p" not in re.findall(r"<sub>(.*?)</sub>", article)
    assert "N(μ<sub>i</sub>, e<sup>2α<sub>i</sub></sup>)" in article and "D<sub>KL</sub>(s‖t)" in article
    assert "who gets g_log_det" in article and ">missing_log_det<" in article
    for page in ("EXERCISES.html", "LEDGER.html", "GLOSSARY.html"):
        text = words(re.sub(r"<code.*?</code>", "", pages[page], flags=re.S))
        assert not re.search(r"(?<!\w)\w[_^](?:\{|\w(?!\w))", text), page


def test_a_row_of_the_ledger_leads_to_its_lesson_its_tag_and_its_function(pages):
    [row] = re.findall(r"<tr(?:(?!<tr).)*n16-04a-1.*?</tr>", pages["LEDGER.html"], re.S)
    assert '<a class="reference internal" href="pages/tags.html#n16">N16</a>' in row
    assert '<a class="reference internal" href="04a_real_nvp.html">04a</a>' in row
    assert 'href="pages/api/bijections.html#nfedu.AffineCoupling' in row
    assert 'href="01a_one_dimension.html">01</a>' in pages["GLOSSARY.html"]


def test_no_link_stands_inside_a_link(pages):
    for page, article in pages.items():
        for link in re.findall(r"<a\s[^>]*href.*?</a>", article, re.S):
            assert "<a " not in link[2:], f"{page}: {link[:200]}"


@pytest.mark.parametrize(
    ("tex", "text"),
    [
        (r"\log p_X(x; \theta)", "log p_X(x; θ)"),
        (r"\log|\det J| = \sum_i \alpha_i", "log|det J| = Σ_i α_i"),
        (r"e^{-\lambda} &lt; \Sigma\odot\beta", "e^-λ &lt; Σ ⊙ β"),
        (r"\frac{k+1}{k}\,\pi", "k+1/k π"),
        (r"\begin{pmatrix} 7 &amp; 3 \end{pmatrix} x", "… x"),
    ],
)
def test_an_excerpt_has_no_tex(tex, text):
    from lessons.excerpts import plain

    assert plain(tex) == text
