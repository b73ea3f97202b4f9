"""The built book and a browser to open it in; without either, these tests skip and say what is missing."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.browser.visit import PATIENCE
from tests.conftest import ROOT


@pytest.fixture(scope="session")
def book(tmp_path_factory):
    """The folder of the built book: NFEDU_BOOK if it is set, otherwise built here."""
    if "NFEDU_BOOK" in os.environ:
        return Path(os.environ["NFEDU_BOOK"]).resolve()
    for module in ("sphinx", "myst_nb", "jupytext", "furo", "sphinx_copybutton"):
        pytest.importorskip(module, reason=f"{module} is missing: pip install -e '.[book]'")
    folder = tmp_path_factory.mktemp("book")
    command = [sys.executable, "-m", "sphinx", "-q", "-W", str(ROOT / "lessons"), str(folder)]
    subprocess.run(command, check=True, cwd=ROOT)
    return folder


@pytest.fixture(scope="session")
def browser():
    """Debian's chromium, without a window."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is missing: pip install -e '.[browser]'")
    pytest.importorskip("axe_playwright_python", reason="axe is missing: pip install -e '.[browser]'")
    path = shutil.which("chromium")
    if path is None:
        pytest.skip("there is no chromium: apt-get install chromium")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def tab(browser):
    """A fresh tab."""
    page = browser.new_page()
    page.set_default_timeout(PATIENCE)
    yield page
    page.close()
