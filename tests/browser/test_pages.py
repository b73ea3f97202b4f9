"""Every page of the book, opened from disk: nothing is missing, nothing is too wide, everyone can read it."""

import pytest

from tests.browser.visit import KINDS, WIDTHS, survey


@pytest.fixture(scope="module")
def faults(browser, book):
    pages = [page for page in sorted(book.rglob("*.html")) if "_static" not in page.parts]
    assert book / "index.html" in pages
    return survey(browser, pages, WIDTHS)


@pytest.mark.parametrize("kind", KINDS)
def test_no_page_has_a_fault(faults, kind):
    assert not faults[kind], "\n".join(faults[kind])


def test_chinese_is_set_in_the_font_that_comes_along(tab, book):
    tab.goto((book / "10a_training_as_kl.html").as_uri())
    tab.evaluate("document.fonts.load('1em Notes', '中').then(() => document.fonts.ready).then(() => 0)")
    inside = tab.context.new_cdp_session(tab)
    for domain in ("DOM", "CSS"):
        inside.send(f"{domain}.enable")
    root = inside.send("DOM.getDocument")["root"]["nodeId"]
    words = inside.send("DOM.querySelectorAll", {"nodeId": root, "selector": "article [lang=zh]"})["nodeIds"]
    fonts = [inside.send("CSS.getPlatformFontsForNode", {"nodeId": word})["fonts"] for word in words]
    assert len(fonts) > 3
    assert all(font["isCustomFont"] for used in fonts for font in used)
