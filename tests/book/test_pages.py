"""The pages of the causes: the wrong layer is caught, named and printed as the page says; the right lines repair it."""

import pytest

from nfedu.__main__ import main
from nfedu.checks.causes import CAUSES
from tests.book.pages import FOLDER, Page, agree, cause_in, first_failure, judged

PAGES = {path.stem: Page(path) for path in sorted(FOLDER.glob("*.md"))}


def test_every_cause_has_a_page_and_every_page_a_cause():
    assert set(PAGES) == set(CAUSES)
    assert all(page.text.startswith(f"# {code}\n") for code, page in PAGES.items())


@pytest.mark.parametrize("code", PAGES)
def test_wrong_lines_are_caught_and_named_as_the_page_says(code, tmp_path):
    failed, printed = judged(PAGES[code].wrong, tmp_path)
    assert (failed, cause_in(printed)) == (1, code), printed
    assert agree(PAGES[code].shown, first_failure(printed)), first_failure(printed)


@pytest.mark.parametrize("code", PAGES)
def test_right_lines_repair_it(code, tmp_path):
    failed, printed = judged(PAGES[code].repaired, tmp_path)
    assert not failed, printed


def test_words_agree_to_the_letter_and_numbers_to_a_hundredth():
    shown = "x_to_z: log_det  5.0e-01 > 1.0e-10  FAIL\n  look at my_layer.py:14\n"
    assert agree(shown, shown.replace("1.0e-10", "1.5e-10"))
    assert not agree(shown, shown.replace("5.0e-01", "5.1e-01"))
    assert not agree(shown, shown.replace(":14", ":15"))
    assert not agree(shown, shown.replace("log_det", "input"))


@pytest.mark.parametrize("code", PAGES)
def test_explain_prints_the_page(code, capsys):
    assert main(["explain", code]) == 0
    assert capsys.readouterr().out.rstrip() == PAGES[code].text.rstrip()


def test_explain_alone_lists_all(capsys):
    assert main(["explain"]) == 0
    listed = dict(line.split(maxsplit=1) for line in capsys.readouterr().out.splitlines() if line.startswith("  "))
    assert listed == {code: cause.line for code, cause in CAUSES.items()}


def test_explain_refuses_what_is_no_cause(capsys):
    assert main(["explain", "logdet-sgin"]) == 2
    assert "'logdet-sgin' is no cause" in capsys.readouterr().err
