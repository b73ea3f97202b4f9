"""The exercises: blanks are blank, solutions pass, mistakes get the words that help, and no answer fools its judge."""

import ast
import csv
import io
import re
import time
from contextlib import contextmanager
from functools import partial

import numpy as np
import pytest

from nfedu.checks.subject.guard import Trouble
from nfedu.course.exercises import grading
from nfedu.course.exercises.answer import Apart, EndedError, here, judges_end
from nfedu.course.exercises.judging import TOLERANCE, At, WrongError, expect, expect_layer
from nfedu.course.exercises.page import page
from nfedu.course.exercises.pupil import Pupil
from nfedu.course.exercises.rooms import rooms
from nfedu.course.exercises.source import borrowed
from nfedu.course.exercises.wire import connected
from tests.conftest import ROOT, run

ROOMS = rooms(ROOT / "lessons" / "exercises")
PARTS = [pytest.param(room, p.name, id=f"{room.number}-{p.name}") for room in ROOMS.values() for p in room.parts]
MISTAKES = [
    pytest.param(room, mistake, id=f"{room.number}-{k}-{mistake[0]}")
    for room in ROOMS.values()
    for k, mistake in enumerate(room.mistakes)
]


@contextmanager
def apart(path, seconds):
    """Load an answer into a process for one part."""
    with Apart(path) as held, held.loaded(seconds) as module:
        yield module


@pytest.fixture
def answer(tmp_path):
    """Write an answer's text to a file."""

    def write(text):
        path = tmp_path / "answer.py"
        path.write_text(text, encoding="utf-8")
        return path

    return write


def definitions(text):
    """The functions of a file with their arguments, and its classes."""
    nodes = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    return {node.name: ast.dump(getattr(node, "args", node.__class__())) for node in nodes}


# What is handed out.


def test_every_lesson_has_three_exercises_or_more_with_hints_and_ten_mistakes():
    lessons = {path.name[:2] for path in (ROOT / "lessons").glob("[0-9][0-9]*_*.py")}
    assert set(ROOMS) == lessons
    for room in ROOMS.values():
        names = [part.name for part in room.parts]
        assert len(names) >= 3
        assert list(room.judges.HINTS) == names
        assert all(1 <= len(room.hints(name)) <= 3 for name in names)
        assert len(room.mistakes) >= 10
        assert {mistake[0] for mistake in room.mistakes} == set(names)
        assert room.title.startswith(f"Lesson {room.number} · ")


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_a_solution_defines_what_its_skeleton_asks_for(room):
    asked, solved = definitions(room.skeleton), definitions(room.solution)
    for part in room.parts:
        assert asked[part.name] == solved[part.name]
    assert f"grade {room.number} exercise_{room.number}.py" in room.skeleton


@pytest.mark.parametrize(("room", "part"), PARTS)
def test_a_skeleton_fails_since_it_is_blank(room, part, answer):
    verdict = grading.judged_here(room, part, answer(room.skeleton), 0)
    assert (verdict.outcome, verdict.hint) == ("blank", 0), "no hint spoils what is not begun"
    assert verdict.words.startswith("is not written yet (answer.py:")


def test_the_page_is_made_of_the_skeletons():
    assert (ROOT / "lessons" / "EXERCISES.md").read_text(encoding="utf-8") == page(ROOMS)


# What is handed in.


@pytest.mark.parametrize("seed", [0, 1, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(2, 20))])
@pytest.mark.parametrize(("room", "part"), PARTS)
def test_a_solution_passes(room, part, seed, answer):
    verdict = grading.judged_here(room, part, answer(room.solution), seed)
    assert verdict.passed, verdict


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
@pytest.mark.parametrize(("room", "mistake"), MISTAKES)
def test_a_mistake_gets_the_words_that_help(room, mistake, seed, answer):
    part, right, wrong, words = mistake
    assert room.solution.count(right) == 1
    verdict = grading.judged_here(room, part, answer(room.solution.replace(right, wrong)), seed)
    assert verdict.outcome == "wrong"
    assert words in verdict.words, verdict.words
    assert 1 <= verdict.hint <= len(room.hints(part))


def test_an_answer_that_gets_farther_gets_a_later_hint(answer):
    room = ROOMS["04"]
    lines = {"z_b = (x_b - mu) * s": "z_b = x_b", "g_x = g_z * s": "g_x = g_z", " - g_log_det[:, None]": ""}
    for hint, (right, wrong) in enumerate(lines.items(), 1):
        assert grading.judged_here(room, "affine", answer(room.solution.replace(right, wrong)), 0).hint == hint


@pytest.mark.parametrize("room", ROOMS.values(), ids=ROOMS)
def test_every_hint_is_given_for_some_mistake(room, answer):
    given = set()
    for part, right, wrong, _ in room.mistakes:
        given.add((part, grading.judged_here(room, part, answer(room.solution.replace(right, wrong)), 0).hint))
    hints = {(part.name, k + 1) for part in room.parts for k in range(len(room.hints(part.name)))}
    assert not hints - given


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.slow) for seed in range(1, 20))])
@pytest.mark.parametrize(("room", "part"), PARTS)
def test_typical_mistakes_are_told_from_right_and_from_each_other(room, part, seed, answer, monkeypatch):
    named = {}  # for each comparison and typical mistake: the words that its numbers get, "" where they are right

    def record(what, given, expected, hint, tolerance=TOLERANCE, typical=None, **kinds):
        expect(what, given, expected, hint, tolerance, typical, **kinds)
        for words, value in (typical or {}).items():
            try:
                expect(
                    what, value.value if isinstance(value, At) else value, expected, hint, tolerance, typical, **kinds
                )
                said = ""
            except WrongError as wrong:
                said = wrong.words
            named.setdefault(words, {}).setdefault(re.sub(r"\d+", "#", what), []).append(said)

    monkeypatch.setitem(vars(room.judges), "expect", record)
    assert grading.judged_here(room, part, answer(room.solution), seed).passed
    for words, verdicts in named.items():
        first = [next((said for said in each if said), "") for each in verdicts.values()]
        assert any(first), f"an answer with this passes: {words}"
        assert all(words in said for said in first if said), f"{words}: {first}"


def test_apart_an_answer_is_judged_as_here(answer):
    room = ROOMS["03"]
    part, right, wrong, words = next(m for m in room.mistakes if m[0] == "Coupling")
    path = answer(room.solution.replace(right, wrong))
    there = grading.judged(room, part, partial(apart, path, 20.0), 0)
    assert there.words == grading.judged_here(room, part, path, 0).words
    assert words in there.words
    assert grading.judged(room, part, partial(apart, answer(room.solution), 20.0), 0).passed


# What a judge must not be fooled by: the body of lesson 03's `rescaled`.

STUBBORN = "while True:\n        try:\n            while True: pass\n        except BaseException: pass"
FORGED = """import os
    for fd in range(3, 12):
        try: os.write(fd, b'{"value": 1.0}\\n')
        except OSError: pass"""
EQUAL = "return type('Equal', (), {'__eq__': lambda self, other: True, '__sub__': lambda a, b: 0})()"
BODIES = {
    "loop": ("while True: pass", "took longer than"),
    "stubborn loop": (STUBBORN, "took longer than"),
    "sleep": ("import time; time.sleep(60)", "it took longer than 1.0 s and was stopped"),
    "crash": ("raise KeyError('oops')", "raised KeyError: 'oops' (answer.py:2, in rescaled)"),
    "crash of Python": ("import os; os.kill(os.getpid(), 11)", "it ended its process (exit code -11)"),
    "print": ("print('passed'); print('3 of 3 parts pass')", "it is None, expected numbers"),
    "exit": ("import sys; sys.exit(0)", "raised SystemExit: 0"),
    "hard exit": ("import os; os._exit(0)", "it ended its process (exit code 0)"),
    "NumPy bent": ("np.allclose = lambda *a: True; np.isfinite = np.allclose; return np.zeros(len(x))", "log p: "),
    "an object": (EQUAL, "it is an object, Equal, expected numbers"),
    "NaN": ("return x[:, 0] * np.nan", "nonfinite"),
    "ragged lists": ("return [[1], [1, 2]]", "expected numbers"),
    "recursion": ("return rescaled(x, s)", "RecursionError"),
    "input": ("return float(input())", "raised EOFError"),
    "a forged message": (FORGED, "log p: "),
    "another shape": ("return np.zeros((len(x), 10**4))", "it has shape (4, 10000), expected (4,)"),
    "too much": ("return np.zeros(10**9)", "(1000000000,): too large to be judged"),
}


@pytest.mark.parametrize("name", BODIES)
def test_an_answer_that_is_none_is_judged_rightly(name, answer):
    body, words = BODIES[name]
    path = answer(f"def rescaled(x, s):\n    {body}\n\n\nimport numpy as np\n")
    start = time.monotonic()
    verdict = grading.judged(ROOMS["03"], "rescaled", partial(apart, path, 1.0), 0)
    assert verdict.outcome == "wrong"
    assert words in verdict.words, verdict.words
    assert time.monotonic() - start < 20, "a second, and what Python takes to start"


FILES = {
    "syntax error": ("def rescaled(x, s:", "the file cannot be run: SyntaxError"),
    "nested": ("x = " + "-" * 50_000 + "1", "the file cannot be run: "),
    "no Python": ("\x00", "the file cannot be run: SyntaxError"),
    "empty": ("", "its file has no rescaled"),
    "print": ("print('passed')\nprint('{\"value\": \"passed\"}')", "its file has no rescaled"),
    "exit": ("import sys; sys.exit(0)", "the file cannot be run: raised SystemExit"),
    "hard exit": ("import os; os._exit(0)", "the file cannot be run: it ended its process (exit code 0)"),
    "loop": ("while True: pass", "the file cannot be run: "),
    "import of nothing": ("import there_is_no_such_module", "the file cannot be run: raised ModuleNotFoundError"),
    "the library's layer": ("from nfedu import AdditiveCoupling as Coupling", "line 1 uses nfedu.AdditiveCoupling"),
}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_cannot_be_judged_says_so_for_each_part(name, answer, monkeypatch):
    text, words = FILES[name]
    monkeypatch.setattr(grading, "SECONDS", 1.0)
    verdicts = grading.grade(ROOMS["03"], answer(text), 0)
    assert [v.part for v in verdicts] == ["Coupling", "rescaled", "expected_area"]
    assert all(v.outcome == "wrong" for v in verdicts)
    assert words in verdicts[name != "the library's layer"].words


def test_the_librarys_layer_is_noticed_by_its_class_too(answer):
    path = answer("import sys\nmake = lambda: vars(sys)['modules']['nfedu'].Exp(2)\n")
    assert not grading.refused(ROOMS["03"], "Coupling", path), "reading the file is not enough here"
    with here(path) as module, pytest.raises(WrongError, match="nfedu's own Exp: this one is to be written by hand"):
        expect_layer(module.make(), np.ones((3, 2)), lambda words: 1, 0)


def test_a_part_that_ends_the_process_does_not_take_the_others_with_it(answer):
    solution = ROOMS["04"].solution
    path = answer(solution.replace("rows, columns = np.arange(H)[:, None], np.arange(W)", "import os; os._exit(0)"))
    verdicts = grading.grade(ROOMS["04"], path, 0)
    assert [v.outcome for v in verdicts] == ["passed", "wrong", "passed"]
    assert "exit code 0" in verdicts[1].words


def test_a_part_that_borrows_does_not_take_the_others_with_it(answer):
    test = "\nif __name__ == '__main__':\n    from nfedu.checks import gradients\n    print(gradients)\n"
    text = ROOMS["04"].solution + test + "def f(): from torch import ones\n"
    verdicts = grading.grade(ROOMS["04"], answer(text.replace("board = (", "f()\n    board = (")), 0)
    assert [v.outcome for v in verdicts] == ["passed", "wrong", "passed"]
    assert "uses torch.ones" in verdicts[1].words


def test_a_file_of_another_lesson_is_told_so(answer):
    verdicts = grading.grade(ROOMS["00"], answer(ROOMS["03"].skeleton), 0)
    assert {v.words for v in verdicts} == {
        "this is a file of lesson 03, as it says itself: python -m lessons grade 03 answer.py"
    }


@pytest.mark.slow
def test_a_file_takes_ten_seconds_at_most(answer):
    loops = "".join(f"def {part.name}(*a, **k):\n    {STUBBORN}\n" for part in ROOMS["02"].parts)
    start = time.monotonic()
    verdicts = grading.grade(ROOMS["02"], answer(loops), 0)
    assert time.monotonic() - start < 10
    assert all("took longer than" in v.words for v in verdicts)


@pytest.mark.parametrize(
    ("line", "used"),
    [
        ("import nfedu\nx = nfedu.AffineCoupling", "line 2 uses nfedu.AffineCoupling"),
        ("import nfedu as n\nx = n.MLP", "line 2 uses nfedu.MLP"),
        ("from nfedu.bijections.coupling.additive import AdditiveCoupling as x", "nfedu.AdditiveCoupling"),
        ("import nfedu.bijections as x", "nfedu.bijections"),
        ("from nfedu import *", "nfedu.*"),
        ("import nfedu\nx = getattr(nfedu, 'ML' + 'P')", "line 2 uses the module nfedu as a value"),
        ("import importlib\nx = importlib.import_module('nfedu')", "importlib"),
        ("x = __import__('nfedu')", "__import__"),
        ("import sys\nx = sys.modules['nfedu']", "sys.modules"),
        ("exec('import nfedu')", "exec"),
        ("import runpy\nx = runpy.run_path", "runpy"),
        ("import torch\ndef x(): return torch.zeros(3)", "torch"),
        ("from jax import grad\ndef f(): return grad\nclass B:\n  g = f\nclass x(B): pass", "line 1 uses jax.grad"),
        ("from jax import grad\ndef x(): pass\nx.f = grad", "line 1 uses jax.grad"),
        ("from jax import grad\ndef x(): return globals()['gr' + 'ad']", "line 2 uses globals"),
        ("from jax import grad\nfor x in [grad]: pass", "line 1 uses jax.grad"),
        ("from jax import grad\ndef x(): pass\ndef another_part(): return grad", ""),
        ("from jax import grad\ndef x(): pass\nif __name__ == '__main__':\n    print(grad(x), exec('x()'))", ""),
        ("import nfedu\nW = nfedu.Parameter", ""),
        ("import numpy as np\nimport math, sys, itertools\nnfedu = 3\nprint(nfedu)", ""),
        ("def f(:", ""),
    ],
)
def test_what_is_borrowed_is_noticed(line, used):
    said = borrowed(line, "import nfedu\nW = nfedu.Parameter(0)\n", "x")
    assert used in said
    assert bool(said) == bool(used)


# The wire.


def test_numbers_come_across_and_all_else_stays():
    judge, pupil = judges_end(), Pupil().end
    connected(judge, pupil)
    pupil.serve["echo"] = lambda value: value
    for value in (None, True, 3, 0.1, float("inf"), "ψ", [1, (2.0, "x")], {"a": np.arange(3)}, np.zeros((0, 2))):
        assert repr(judge.ask("echo", value)) == repr(value)
    array = np.array([[1 + 2j, 3]])
    assert np.array_equal(judge.ask("echo", array), array)
    _, f = judge.ask("echo", [lambda x: x, lambda x: 2 * x])
    assert f(4) == 8, "the judge's own function has come back"
    pupil.serve["make"] = lambda: lambda x, y: x + y
    assert judge.ask("make")(np.ones(2), 3).tolist() == [4, 4]


def test_a_pupil_may_call_what_it_was_given_and_ask_for_nothing_else():
    judge, pupil = judges_end(), Pupil().end
    connected(judge, pupil)
    asked = []
    pupil.serve["try"] = lambda f: asked.append(f(2)) or f.__globals__
    with pytest.raises(Trouble, match="AttributeError"):
        judge.ask("try", lambda x: x**2)
    assert asked == [4]
    pupil.serve["pry"] = lambda f: pupil.ask("get", f, "__globals__")
    with pytest.raises(Trouble, match="'get', which is not to be had"):
        judge.ask("pry", lambda x: x)


def test_what_the_judges_function_refuses_is_raised_there_and_told(answer):
    def refuse(x):
        raise ValueError("finite numbers only")

    path = answer("def f(g):\n    return g(1)\n")
    with here(path) as module, pytest.raises(Trouble, match="ValueError: finite"):
        module.f(refuse)


def test_a_process_that_is_ended_leaves_nothing(answer):
    with pytest.raises(EndedError), apart(answer("import os\nos._exit(3)"), 5.0):
        raise AssertionError("it was loaded")


# The commands.


def lessons(*arguments, cwd):
    """Run `python -m lessons` in another folder, where there is no such package."""
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); sys.argv[1:] = {[*map(str, arguments)]}; "
    return run("-c", f"{code}import runpy; runpy.run_module('lessons', run_name='__main__')", cwd=cwd)


def test_the_runner_hands_out_and_takes_in():
    done = run("-m", "lessons", "exercise", "03", "--solution", cwd=ROOT)
    assert done.returncode == 0, done.stderr
    assert done.stdout.rstrip() == ROOMS["03"].solution.rstrip()
    told = run("-m", "lessons", "grade", "--help", cwd=ROOT).stdout
    assert "in a process of its own: a call may take 2 seconds, a part 5, a file 10" in told


def test_a_skeleton_is_copied_but_overwrites_nothing(tmp_path):
    done = lessons("exercise", "3", cwd=tmp_path)
    path = tmp_path / "exercise_03.py"
    assert done.returncode == 0, done.stderr
    assert path.read_text() == ROOMS["03"].skeleton
    assert "rescaled: 10 minutes" in done.stdout
    path.write_text("mine")
    again = lessons("exercise", "03", cwd=tmp_path)
    assert (again.returncode, again.stdout) == (2, "")
    assert again.stderr == "lessons exercise: exercise_03.py is there already; --force overwrites it\n"
    assert path.read_text() == "mine"
    assert lessons("exercise", "03", "--force", cwd=tmp_path).returncode == 0
    assert path.read_text() == ROOMS["03"].skeleton


def test_a_file_is_graded_with_a_hint_and_an_exit_code(tmp_path):
    room = ROOMS["02"]
    (tmp_path / "right.py").write_text(room.solution)
    done = lessons("grade", "02", "right.py", "--seed", 7, cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.endswith("3 of 3 parts pass\n")
    (tmp_path / "wrong.py").write_text(room.solution.replace("-np.log", "np.log"))
    done = lessons("grade", "02", "wrong.py", "--seed", 7, cwd=tmp_path)
    assert done.returncode == 1
    assert "✗ missing_log_det: the log-det: sign: it is log ∫ exp(log_density)" in done.stdout
    assert f"hint 1 of 3: {room.hints('missing_log_det')[0]}" in done.stdout
    assert done.stdout.endswith("2 of 3 parts pass\n")


def test_a_folder_is_graded_into_a_table(tmp_path):
    (tmp_path / "class" / "ada").mkdir(parents=True)
    (tmp_path / "class" / "ada" / "mine.py").write_text(ROOMS["02"].solution)
    (tmp_path / "class" / "bob.py").write_text(ROOMS["02"].skeleton + "\nprint('passed, 3 of 3')\n")
    (tmp_path / "class" / "eve.py").write_text("def solve(:")
    done = lessons("grade", "02", "class", "--csv", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert list(rows[0]) == ["file", "exercise", "verdict", "what is wrong", "seconds"]
    table = {(row["file"].replace("\\", "/"), row["exercise"]): row for row in rows}
    assert len(table) == len(rows) == 9
    for part in ("solve", "chain", "missing_log_det"):
        assert table["ada/mine.py", part]["verdict"] == "passed"
        assert table["bob.py", part]["verdict"] == "blank"
        assert table["eve.py", part]["verdict"] == "wrong"
        assert "SyntaxError" in table["eve.py", part]["what is wrong"]
        assert float(table["ada/mine.py", part]["seconds"]) < 10


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("exercise", "42"), "there are no exercises 42; there are 00, 01, "),
        (("grade", "03"), "which file?"),
        (("grade", "03", "nowhere.py"), "there is no nowhere.py; python -m lessons exercise 03 makes a file"),
        (("grade", "03", "."), ". is a folder; with --csv all its files are graded"),
        (("grade", "03", ".", "--csv"), "holds no .py files"),
        (("grade", "03", ".", "--csv", "--seed", "-1"), "--seed -1: expected an integer ≥ 0"),
    ],
)
def test_a_question_that_makes_no_sense_is_answered_in_a_line(arguments, said, tmp_path):
    done = lessons(*arguments, cwd=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
