"""The book's guide "Write your own layer": each step's file is judged, drawn and used as the page shows."""

import re
import shutil

import pytest

from tests.book.test_readme import without_numbers
from tests.conftest import ROOT, run

PAGES = ROOT / "lessons" / "pages"
CODE = PAGES / "code"
GUIDE = (PAGES / "own_layer.md").read_text()
CHECK, PLOT = (command.split() for command in re.findall(r"^    python (-m nfedu .*)$", GUIDE, re.MULTILINE))


@pytest.mark.parametrize(("step", "code"), [("fan_maps", 1), ("fan_backward", 1), ("fan", 0)])
def test_a_step_is_judged_as_shown(step, code, tmp_path):
    shutil.copy(CODE / f"{step}.py", tmp_path / "my_layer.py")
    done, shown = run(*CHECK, cwd=tmp_path), (CODE / f"{step}.txt").read_text()
    assert done.returncode == code
    said = [text.split("\n  1 contract")[0] for text in (done.stdout, shown)]
    assert code == 0 or said[0] == said[1], "the failures to the last digit"
    assert without_numbers(done.stdout) == without_numbers(shown)


def test_the_picture_can_be_drawn(tmp_path):
    shutil.copy(CODE / "fan.py", tmp_path / "my_layer.py")
    done = run(*PLOT, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "Fan.png").stat().st_size == pytest.approx((PAGES / "fan.png").stat().st_size, rel=0.1)


def test_the_layer_learns_as_shown(tmp_path):
    shutil.copy(CODE / "fan.py", tmp_path / "my_layer.py")
    shutil.copy(CODE / "fan_in_use.py", tmp_path)
    done = run("fan_in_use.py", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == (CODE / "fan_in_use.txt").read_text()
    assert float(re.match(r"b = (\S+),", done.stdout)[1]) == pytest.approx(0.5, abs=0.02)


def test_every_file_is_shown_and_differs_from_the_next_as_told():
    shown = set(re.findall(r"literalinclude\} code/(\S+)", GUIDE))
    assert shown == {path.name for path in CODE.glob("fan*")}
    before, after = ((CODE / f"{name}.py").read_text().split("\n") for name in ("fan_backward", "fan"))
    changed = [line for line in after[: len(before) - 1] if line not in before]
    assert [line.strip() for line in changed] == ["self.a.grad += (g_j * scaled * z_1).sum() + (g_s * z_1).sum()"], (
        "and a promise at the end"
    )
