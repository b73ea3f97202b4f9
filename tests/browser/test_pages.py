"""Every page of the book, opened from disk: nothing is missing, nothing is too wide, everyone can read it."""

import pytest

from tests.browser.conftest import SCHEMES
from tests.browser.visit import KINDS, WIDTHS, survey


@pytest.fixture(scope="module")
def faults(browser, book):
    pages = [page for page in sorted(book.rglob("*.html")) if "_static" not in page.parts]
    assert book / "index.html" in pages
    return {scheme: survey(browser, pages, scheme, WIDTHS if scheme == "light" else []) for scheme in SCHEMES}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("scheme", SCHEMES)
def test_no_page_has_a_fault(faults, scheme, kind):
    assert not faults[scheme][kind], "\n".join(faults[scheme][kind])
