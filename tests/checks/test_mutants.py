"""Learners' mistakes in the layers themselves: each breaks a promise, and `python -m nfedu check` says so."""

import json
from collections import Counter
from pathlib import Path

import pytest

from tests.mutants import probe, run
from tests.mutants.package import mutated, package, python
from tests.mutants.table import FILES, MUTANTS

PROBE = ("-P", str(Path(probe.__file__)))  # -P: no folder of ours before the mutated package


def errors(folder, *commands):
    """What `probe` measures with the folder's package, for each command."""
    done = python(folder, *PROBE, *commands)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def breaks_a_promise(mutant, original):
    with package(mutant, original) as folder:
        return any(max(errors(folder, command)[0].values()) > 1e-4 for command in mutant.checks)


def test_each_file_has_its_mutants():
    counts = Counter(
        word for mutant in MUTANTS for word in ("coupling", "autoregressive", "mint", "made") if word in mutant.file
    )
    assert len(counts) == 4 and min(counts.values()) >= 20, counts
    assert len(set(MUTANTS)) == len(MUTANTS)


@pytest.mark.parametrize("file", FILES)
def test_each_line_stands_where_the_table_says_and_each_mutant_is_python(file):
    for mutant in MUTANTS:
        if mutant.file == file:
            compile(mutated(mutant), file, "exec")


@pytest.mark.slow
def test_each_mutant_breaks_a_promise_and_the_package_none():
    """By numbers that know nothing of `nfedu check`: what it misses is never a mutant that changes nothing."""
    with package() as original:
        commands = sorted({command for mutant in MUTANTS for command in mutant.checks})
        assert max(error for layer in errors(original, *commands) for error in layer.values()) < 1e-6
        broken = run.parallel(lambda mutant: breaks_a_promise(mutant, original), MUTANTS)
        assert not [mutant for mutant, wrong in zip(MUTANTS, broken, strict=True) if not wrong]


@pytest.mark.slow
def test_each_mutant_is_caught(capsys):
    assert run.main([]) == 0, capsys.readouterr().out
