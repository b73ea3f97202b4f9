"""The wrong lines of `lessons/wrong/claims_NN.toml` fit their files, and each claim fails for one of them."""

import re

import pytest

from nfedu.course.plants import Plant, fits, plants
from tests.claims.__main__ import judged, main
from tests.conftest import ROOT

WRONG = ROOT / "lessons" / "wrong"
NUMBERS = sorted(path.stem.removeprefix("claims_") for path in WRONG.glob("claims_*.toml"))


@pytest.mark.parametrize("number", NUMBERS)
def test_each_line_stands_once_in_its_file_and_each_wrong_one_is_python(number):
    for plant in plants(WRONG, number):
        compile(plant.planted((ROOT / plant.file).read_text()), plant.file, "exec")
        assert plant.words
        assert plant.claims


@pytest.mark.parametrize("number", NUMBERS)
def test_each_claim_of_the_ledger_has_a_plant_and_each_plant_a_claim(number):
    rows = [line[2:-2].split(" | ") for line in (ROOT / "lessons" / "LEDGER.md").read_text().split("\n")]
    rows = [row for row in rows if len(row) > 7 and row[3][:2] == number]
    statements = [row[4 if row[0][0] == "M" else 5].replace("∣", "|") for row in rows]  # the errata's columns
    patterns = [pattern for plant in plants(WRONG, number) for pattern in plant.claims]
    assert [s for s in statements if not any(fits(pattern, s) for pattern in patterns)] == []
    assert [pattern for pattern in patterns if not any(fits(pattern, s) for s in statements)] == []


def test_a_star_stands_for_what_an_f_string_fills_in():
    assert fits("a = *: |∫p − 1|, [*]", "a = 0.3: |∫p − 1|, [2, 1]")
    assert not fits("a = *", "b = 3")
    assert not fits("a.b", "axb")


def test_a_line_that_stands_twice_is_refused():
    with pytest.raises(ValueError, match="'a' stands there 2 times, expected once"):
        Plant("f", "a", "b", "", ()).planted("a a")


LESSON = """
from nfedu.bijections import AffineCoupling
from nfedu.course.lesson import begin
lesson = begin("77 · fake")
a, length = 1, lesson.pick(1, 1)
lesson.claim("N1", "a number", a - 1, 0, begin)
lesson.claim("N1", f"a number, {length} times", a - length, 0, begin)
if lesson.length != "quick":
    lesson.claim("N1", "only in the default length", 2 * a - 2, 0, begin)
lesson.claim("N1", "after what may crash", 1 / (3 - a) - 0.5, 0, begin)
"""
TABLE = """
[[plant]]
file = "lessons/77_fake.py"
line = "a, length = 1"
wrong = "a, length = {}"
words = "another a"
claims = ["a number", "a number, * times", "only in *", "after what may crash"]
"""


@pytest.fixture
def project(tmp_path):
    """A folder with the package and one lesson, and a way to judge that lesson with a number planted for a."""
    (tmp_path / "nfedu").symlink_to(ROOT / "nfedu")
    (tmp_path / "lessons" / "wrong").mkdir(parents=True)
    (tmp_path / "lessons" / "77_fake.py").write_text(LESSON)

    def judge(a, word=""):
        (tmp_path / "lessons" / "wrong" / "claims_77.toml").write_text(TABLE.format(a))
        plants.cache_clear()
        return judged("77", tmp_path, word)

    return judge


def test_claims_are_recorded_and_those_before_a_crash_count(project, capsys):
    assert project(2) == 0
    assert re.search(r"another a +4 / 4\n77  4 of 4 claims turn red, 1 plants", capsys.readouterr().out)
    assert project(3) == 1
    shown = capsys.readouterr().out
    assert re.search(r"another a +3 / 4\n      not red: after what may crash\n", shown)
    assert "77  nothing turns it red: after what may crash\n77  3 of 4 claims turn red" in shown


def test_a_plant_that_changes_nothing_and_claims_that_no_plant_names_fail_the_run(project, capsys):
    assert project("1.0") == 1
    assert "77  0 of 4 claims turn red" in capsys.readouterr().out
    assert project(2, "no such word") == 0
    assert "77  0 of 0 claims turn red, 0 plants" in capsys.readouterr().out


@pytest.mark.slow
@pytest.mark.parametrize("number", NUMBERS)
def test_each_claim_fails_for_a_wrong_line(number, capsys):
    assert main([number]) == 0, capsys.readouterr().out
