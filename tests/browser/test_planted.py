"""Tests of the tests: faults planted into a copy of a page are found by what finds none in the book."""

import shutil

import pytest

from tests.browser.visit import survey

PLANTS = [
    ("request", '<img src="_images/lost.png" alt="lost">', "_images/lost.png failed"),
    ("request", '<img src="http://127.0.0.1:9/far.png" alt="far">', "far.png is remote"),
    ("script", "<script>throw new Error('planted')</script>", "planted"),
    ("script", "<script>console.error('said')</script>", "said"),
    ("tex", r"<p>a slope \(s\) of $e^\alpha$</p>", r"$e^\alpha$"),
    ("tex", r'<span class="math">\(\nosuch\)</span>', r"MathJax: \nosuch"),
    ("reference", '<a href="lost.html">lost</a>', "no lost.html"),
    ("reference", '<a href="#lost">lost</a>', "no 03a_nice.html#lost"),
    ("reference", "<p>see [the lesson](03b)</p>", "](03b)"),
    ("reference", "<p>the end. %% lesson.end()</p>", "%%"),
    ("width", '<table style="width: 3000px"><tr><td>wide</td></tr></table>', "at 2560 px the page is"),
    ("width", '<p style="width: 350px">wide</p>', "at 320 px the page is"),
    ("width", '<div style="overflow: hidden"><p class="cut" style="width: 350px">cut</p></div>', "p.cut ends"),
    ("width", "<style>div.math > span.eqno { position: absolute; right: 0 }</style>", "(N10) stands over its equation"),
    ("alt", '<img src="_static/plus.png">', "_static/plus.png"),
    ("axe", "<button></button>", "button-name"),
    ("axe", '<p style="color: #999; background: #aaa">faint</p>', "color-contrast"),
    (
        "axe",
        '<p style="color: #333; background: var(--color-background-primary)">dim</p>',
        "in the dark color-contrast",
    ),
]


@pytest.fixture(scope="module")
def plant(browser, book, tmp_path_factory):
    """Return the faults of the page of lesson 03a with some HTML at its end."""
    folder = tmp_path_factory.mktemp("planted")
    for part in book.iterdir():
        (folder / part.name).symlink_to(part)
    page = folder / "03a_nice.html"
    text = page.read_text("utf-8")
    page.unlink()

    def visit(planted):
        page.write_text(text.replace("</article>", planted + "</article>"), "utf-8")
        return survey(browser, [page], [320, 2560])

    yield visit
    shutil.rmtree(folder)


def test_the_page_is_sound_before(plant):
    assert not {kind: found for kind, found in plant("").items() if found}


@pytest.mark.parametrize(("kind", "planted", "words"), PLANTS)
def test_a_planted_fault_is_found(plant, kind, planted, words):
    assert any(words in fault for fault in plant(planted)[kind])
