"""The README tells the truth: its code runs and prints what it shows, its claims are those that the lessons make."""

import os
import re
import tomllib
from pathlib import Path

import pytest

from tests.conftest import ROOT, run

README = (ROOT / "README.md").read_text()
SECTIONS = dict(re.findall(r"^## (.+?)\n(.*?)(?=^## |\Z)", README, re.DOTALL | re.MULTILINE))
NUMBER = r"-?\d+(\.\d+)?(e[-+]\d+)?"


def blocks(kind, heading):
    """The `kind` blocks, python or text, of a section."""
    return re.findall(rf"```{kind}\n(.*?)```", SECTIONS[heading], re.DOTALL)


COMMANDS_PRINT = blocks("text", "Two commands")[0]
[CUBE, SCALE], [JUDGED] = (blocks(kind, "A layer of your own, judged") for kind in ("python", "text"))
[RESCALED], [GRADED] = (blocks(kind, "Exercises, judged") for kind in ("python", "text"))


def without_numbers(text):
    """What must be equal on every machine: not a trained model's last digits, nor how far a checker gets in time."""
    lines = [
        line.split("; worst")[0]
        for line in text.strip().split("\n")
        if not line.startswith(("tried", "not judged", "  epoch"))  # a training of 15 seconds tells how it goes
    ]
    lines = [re.sub(r"\s+", " ", re.sub(NUMBER, "#", line)) for line in lines]
    return [re.sub("(?:all )?# checks pass(?:, # not judged)?$", "# checks pass", line) for line in lines]


def test_the_two_commands_stand_where_ci_finds_them():
    commands = re.findall(r"^ +(python3 -m venv .*)$", README, re.MULTILINE)
    assert len(commands) == 2
    assert commands[0].endswith(".venv/bin/python -m lessons")
    assert commands[1].endswith(".venv/bin/pytest")


def test_the_first_example_prints_what_is_shown(tmp_path):
    [code], [text] = (blocks(kind, "A flow of your own") for kind in ("python", "text"))
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert without_numbers(done.stdout) == without_numbers(text)
    assert re.search(r"points: (all )?\d+ checks pass", done.stdout)
    first, last = map(float, re.findall(r"(\d+\.\d+) (?:nats|after)", done.stdout))
    shown = map(float, re.findall(r"(\d+\.\d+) (?:nats|after)", text))
    assert [first, last] == pytest.approx(list(shown), abs=0.05)


def test_the_four_commands_on_a_table_print_what_is_shown(tmp_path):
    [code], [text] = (blocks(kind, "Your own data") for kind in ("python", "text"))
    assert run("-c", code, cwd=tmp_path).returncode == 0
    commands = re.findall(r"^\$ \.venv/bin/python (-m nfedu .*)\n((?:[^$\n].*\n)*)", text, re.MULTILINE)
    assert [command.split()[2] for command, _ in commands] == ["fit", "sample", "score", "plot"]
    for command, shown in commands:
        done = run(*command.split(), cwd=tmp_path)
        assert done.returncode == 0, done.stderr
        assert without_numbers(done.stderr + done.stdout) == without_numbers(shown)
        for told, is_shown in zip(gains(done.stdout), gains(shown), strict=True):
            assert told == pytest.approx(is_shown, abs=0.05)
    assert (tmp_path / "people.model.png").stat().st_size > 10_000


def gains(text):
    """By how many nats a flow is shown to win."""
    return [float(gain) for gain in re.findall(r"flow gains (\S+)", text)]


def test_the_array_in_a_notebook_prints_what_is_shown(tmp_path):
    [code], [text] = (blocks(kind, "An array in a notebook") for kind in ("python", "text"))
    assert len([line for line in code.splitlines() if line]) <= 10
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert without_numbers(done.stdout) == without_numbers(text)
    assert gains(done.stdout) == pytest.approx(gains(text), abs=0.05)
    assert (tmp_path / "moons.npz").exists()


def test_the_second_example_prints_what_is_shown(tmp_path):
    [code], [text] = (blocks(kind, "Teachers, students, mixtures, images") for kind in ("python", "text"))
    done = run("-c", code, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert without_numbers(done.stdout) == without_numbers(text)
    kl = float(re.search(r"= (\d\.\d+) ± ", done.stdout)[1])
    assert kl == pytest.approx(float(re.search(r"= (\d\.\d+) ± ", text)[1]), abs=0.03)


def test_the_wrong_layer_is_judged_as_shown(tmp_path):
    (tmp_path / "my_layer.py").write_text(CUBE)
    command = re.search(r"`\.venv/bin/python (-m nfedu check \S+)`", README)[1].split()
    done = run(*command, cwd=tmp_path)
    assert done.returncode == 1
    said, shown = (text.strip().split("\n  1 contract")[0] for text in (done.stdout, JUDGED))
    assert said == shown, "the failures to the last digit"
    assert without_numbers(done.stdout) == without_numbers(JUDGED)
    right = CUBE.replace("g_log_det[:, None] * z / slope", "g_log_det[:, None] * 2 * z / slope")
    (tmp_path / "my_layer.py").write_text(right)
    assert run(*command, cwd=tmp_path).returncode == 0


def test_the_layer_with_a_parameter_is_right(tmp_path):
    (tmp_path / "my_layer.py").write_text(CUBE + SCALE)
    done = run("-m", "nfedu", "check", "my_layer.py:Scale", cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    (tmp_path / "my_layer.py").write_text(CUBE + SCALE.replace("grad += ", "grad[:] = "))
    assert "cause: grad-overwritten" in run("-m", "nfedu", "check", "my_layer.py:Scale", cwd=tmp_path).stdout


def test_the_commands_of_the_table_exist(tmp_path):
    (tmp_path / "my_layer.py").write_text(CUBE)
    for name in re.findall(r"`python -m nfedu (\w+)", README):
        assert run("-m", "nfedu", name, "--help", cwd=tmp_path).returncode == 0
    done = run("-m", "nfedu", "plot", "my_layer.py:Cube", "--n", "2", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "Cube.png").stat().st_size > 10_000


def test_the_exercise_is_judged_as_shown(tmp_path):
    commands = re.findall(r"`(?:\.venv/bin/)?python (-m lessons (?:exercise 03|grade 03 [^`]+))`", README)
    here = f"import runpy, sys; sys.path.insert(0, {str(ROOT)!r}); runpy.run_module('lessons', run_name='__main__')"
    hand_out, grade = (["-c", here, *command.split()[2:]] for command in commands)
    assert run(*hand_out, cwd=tmp_path).returncode == 0
    path = tmp_path / "exercise_03.py"
    head, tail = re.split(r"^def rescaled.*?^    raise NotImplementedError\n", path.read_text(), flags=re.S | re.M)
    path.write_text(head + RESCALED + tail)
    done = run(*grade, cwd=tmp_path)
    assert done.returncode == 1
    lines = done.stdout.split("\n")
    shown = GRADED.rstrip("\n").split("\n")
    place = next(i for i, line in enumerate(lines) if line.startswith("  ✗ rescaled"))
    assert lines[place : place + len(shown)] == shown
    path.write_text(head + RESCALED.replace("+ np.log(abs", "- np.log(abs") + tail)
    assert "✓ rescaled: passed" in run(*grade, cwd=tmp_path).stdout


def test_the_commands_for_exercises_take_what_the_table_says():
    told = {name: run("-m", "lessons", name, "--help", cwd=ROOT).stdout for name in ("exercise", "grade")}
    for name, flag in re.findall(r"`python -m lessons (exercise|grade) NN[^`]*?(--\w+)?`", README):
        assert flag in told[name]
    assert all("--solution" in text for text in told.values())
    assert all(flag in told["exercise"] + told["grade"] for flag in ("--force", "--seed"))


def test_every_claim_shown_is_made_by_the_lessons(quick):
    shown = re.findall(r"^✓ (\S+) +(\d\d\w?) +(\S+) +(.*): \S+ ≤ ([^;\n]+)", COMMANDS_PRINT, re.MULTILINE)
    assert len(shown) >= 5
    full = Path(os.environ.get("NFEDU_LESSONS_OUTPUT", os.devnull)).read_text()
    for tag, lesson, function, statement, tolerance in shown:
        line = rf"^✓ {tag} +{lesson} +{re.escape(function)} +{re.escape(statement)}: \S+ ≤ {re.escape(tolerance)}"
        if "digits" not in statement:  # which the quick run trains too little to claim
            assert re.search(line, quick, re.MULTILINE), statement
        if full:
            assert re.search(line, full, re.MULTILINE), statement
    assert re.search(r"^\d+ statements: .*$", COMMANDS_PRINT, re.MULTILINE)[0] in quick


@pytest.mark.skipif("NFEDU_LESSONS_OUTPUT" not in os.environ, reason="compares with a whole run of the lessons")
def test_the_numbers_are_those_of_a_whole_run():
    full = Path(os.environ["NFEDU_LESSONS_OUTPUT"]).read_text()
    assert re.search(r"^\d+ of \d+ claims hold, .*$", COMMANDS_PRINT, re.MULTILINE)[0] in full
    measured = float(re.search(r"test +(\d\.\d+) ± ", full)[1])
    assert float(re.search(r"(\d\.\d+) ± \d\.\d+ bits per pixel on the 360", README)[1]) == pytest.approx(
        measured, abs=0.03
    )


def test_the_results_of_long_trainings_are_those_recorded():
    results = (ROOT / "lessons" / "RESULTS.md").read_text()
    for bits in re.findall(r"reaches (\d\.\d+ ± \d\.\d+)", README):
        assert f"| {bits} bits per pixel |" in results
    assert "reaches 1.9" in README


def test_the_table_beside_other_libraries_is_the_benchmarks():
    lines = (ROOT / "lessons" / "BENCHMARKS.md").read_text().split("\n")
    rows = {line[2:-2].split(" | ")[0]: line[2:-2].split(" | ")[1:] for line in lines if line.startswith("| ")}
    names = rows["work: (n, layers, hidden), rows; ms"]
    columns = [names.index(name) for name in ("nfedu", "zuko", "nflows", "normflows", "FlowJAX")]
    head = next(line for line in README.split("\n") if line.startswith("| | nfedu | "))
    assert re.findall(r"(\w+)\]?(?:\(\S+\))? \|", head) == [names[i] for i in columns]
    shown = re.findall(r"^\| ((?:RealNVP|MAF) .*?) \| (.*) \|$", README, re.MULTILINE)
    assert len(shown) >= 5
    for work, numbers in shown:
        assert numbers.split(" | ") == [rows[work][i] for i in columns], work
    assert any(float(numbers.split(" | ")[0]) > float(numbers.split(" | ")[-1]) for _, numbers in shown), (
        "where we lose"
    )


def test_every_link_and_picture_exists():
    for target in re.findall(r"\]\(([^)#]+)\)", README) + re.findall(r'src="([^"]+)"', README):
        assert target.startswith("https://github.com/") or (ROOT / target).exists(), target
    for path in sorted((ROOT / "lessons").glob("[0-9]*.py")):
        assert f"](lessons/{path.name}) |" in README, f"{path.name} is not in the README's map"
        small = ROOT / "figures" / "small" / f"{re.match(r'[0-9]+[a-z]?', path.name)[0]}.png"
        assert f'<img src="figures/small/{small.name}"' in README
        assert small.stat().st_size <= 15_000


def test_what_is_cited_is_this_version():
    yaml = pytest.importorskip("yaml")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["cff-version"] == "1.2.0" and citation["authors"] and citation["message"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert citation["title"] == f"{project['name']}: {project['description'][0].lower()}{project['description'][1:]}"
    assert (citation["version"], citation["license"]) == (project["version"], project["license"]["text"])
    assert f"What will be {project['version']}" in (ROOT / "CHANGELOG.md").read_text()
    [author] = citation["authors"]
    entry = {"title": citation["title"], "author": f"{{{author['name']}}}", "version": citation["version"]}
    entry["year"] = re.search(r"\(c\) (\d{4})", (ROOT / "LICENSE").read_text())[1]
    for text in (README, (ROOT / "lessons" / "pages" / "bibliography.md").read_text()):
        [shown] = re.findall(r"```bibtex\n@software\{nfedu,\n(.*?)\n\}\n```", text, re.DOTALL)
        assert dict(re.findall(r"(\w+) += \{(.*)\}", shown)) == entry
