"""A lesson that runs cell by cell is the program that it is by itself, and each cell keeps what it printed."""

import json
import subprocess
import sys
import traceback

import pytest

from nfedu.course import cells

LESSON = '''# %% [markdown]
# # 77 · a lesson

# %%
from __future__ import annotations

import pickle
import sys

print("first")
mark = """
# %%
"""

# %% tags=["hide-input"]


class Kept:
    unknown: NoSuchName = 1


def line():
    return sys._getframe().f_lineno, sys._getframe().f_code.co_filename


# %% [markdown]
# Words.
# %%
print(__name__, __file__, sys.argv)
print(line(), type(pickle.loads(pickle.dumps(Kept()))) is Kept, end="")
# %%
# nothing
'''


@pytest.fixture
def lesson(tmp_path):
    path = tmp_path / "77_lesson.py"
    path.write_text(LESSON)
    return path


def test_cells_begin_at_their_marks_and_strings_have_none():
    found = cells.split(LESSON)
    assert [cell.text.split("\n")[0] for cell in found] == [
        "from __future__ import annotations",
        "class Kept:",
        "print(__name__, __file__, sys.argv)",
        "# nothing",
    ]
    assert found[0].text.endswith('mark = """\n# %%\n"""')
    assert [(cell.first, cell.last) for cell in found] == [(5, 14), (16, 25), (29, 30), (32, 33)]
    assert [cell.text for cell in cells.split("print(1)\n# %%%\n")] == ["print(1)\n# %%%"]
    assert [cell.text for cell in cells.split("\n# %%\n1\n")] == ["1"]


def test_a_cell_is_known_by_its_text_alone():
    at = [cell.hash for cell in cells.split(LESSON)]
    assert [cell.hash for cell in cells.split(LESSON.replace("# Words.", "# Other\n# words."))] == at
    changed = [cell.hash for cell in cells.split(LESSON.replace("    return sys", "    return  sys"))]
    assert [a == b for a, b in zip(at, changed, strict=True)] == [True, False, True, True]


def test_a_run_by_cells_prints_what_the_program_prints_and_keeps_it_by_cell(lesson, capsys):
    printed = cells.run(lesson, ["--quick"])
    alone = subprocess.run([sys.executable, lesson, "--quick"], capture_output=True, text=True)
    assert capsys.readouterr().out == alone.stdout
    assert [p.lines for p in printed] == [["first"], [], alone.stdout.split("\n")[1:], []]
    assert printed[2].lines == [f"__main__ {lesson} {[str(lesson), '--quick']}", f"{(23, str(lesson))} True"]
    assert [p.cell for p in printed] == [cell.hash for cell in cells.split(LESSON)]


def test_an_error_says_the_line_of_the_file_and_the_program_is_what_it_was(lesson):
    main, argv, stdout = sys.modules["__main__"], sys.argv, sys.stdout
    lesson.write_text(LESSON.replace("# nothing", "print('last')\n1 / 0"))
    with pytest.raises(ZeroDivisionError) as caught:
        cells.run(lesson, [])
    frame = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert (frame.filename, frame.lineno, frame.line) == (str(lesson), 33, "1 / 0")
    assert (sys.modules["__main__"], sys.argv, sys.stdout) == (main, argv, stdout)
    lesson.write_text(LESSON.replace("# nothing", "print("))
    with pytest.raises(SyntaxError) as broken:
        cells.run(lesson, [])
    assert (broken.value.filename, broken.value.lineno) == (str(lesson), 32)


def test_code_that_no_cell_holds_is_refused_before_anything_runs(lesson, capsys):
    lesson.write_text(LESSON.replace("# Words.\n# %%", "# Words. %%"))
    with pytest.raises(SyntaxError, match="code in a cell of text") as caught:
        cells.run(lesson, [])
    assert (caught.value.filename, caught.value.lineno) == (str(lesson), 28)
    assert capsys.readouterr().out == ""


def test_what_was_printed_is_kept_as_it_was(tmp_path):
    made = [cells.Printed("0f", ["", "  ✓ N1 |x| < 1: 0 ≤ 1"]), cells.Printed("a1", [])]
    path = tmp_path / "outputs" / "01.json"
    assert cells.load(path) == []
    cells.save(path, made)
    assert cells.load(path) == made
    assert [p.name for p in path.parent.iterdir()] == ["01.json"]
    assert "✓ N1 |x| < 1" in path.read_text(encoding="utf-8")
    assert json.loads(path.read_text(encoding="utf-8"))[1] == {"cell": "a1", "lines": []}


def test_a_file_is_whole_at_any_time(tmp_path, monkeypatch):
    path = tmp_path / "01.json"
    made = [cells.Printed("0f", ["a line"])]
    cells.save(path, made)

    def interrupted(path, *_, **__):
        path.write_bytes(b"half of it")
        raise KeyboardInterrupt

    monkeypatch.setattr(cells.Path, "write_text", interrupted)
    with pytest.raises(KeyboardInterrupt):
        cells.save(path, [])
    assert cells.load(path) == made
