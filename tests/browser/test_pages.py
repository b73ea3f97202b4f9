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
