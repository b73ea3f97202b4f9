"""A copy of the package with one mutant in it, and Python run there."""

from __future__ import annotations

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.mutants.table import Mutant

ROOT = Path(__file__).parents[2]
SECONDS = 600  # that a process may take


@contextmanager
def package(mutant: Mutant | None = None, source: Path = ROOT) -> Iterator[Path]:
    """Yield a temporary folder with a copy of the package in `source`, mutated if there is a mutant."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        shutil.copytree(source / "nfedu", folder / "nfedu", ignore=shutil.ignore_patterns("__pycache__"))
        if mutant:
            (folder / mutant.file).write_text(mutated(mutant, source))
        yield folder


def mutated(mutant: Mutant, source: Path = ROOT) -> str:
    """Return the mutant's file with its line in place; a ValueError unless that can be done in one way only."""
    text = (source / mutant.file).read_text()
    first, stop = span(text, mutant.place)
    count = text.count(mutant.line, first, stop)
    if count != 1:
        raise ValueError(f"{mutant.file}, {mutant.place}: {mutant.line!r} stands there {count} times, expected once")
    return text[:first] + text[first:stop].replace(mutant.line, mutant.mutant) + text[stop:]


def span(text: str, place: str) -> tuple[int, int]:
    """Return the positions in the text where the class, method or function `place` starts and ends."""
    node: ast.AST = ast.parse(text)
    for name in place.split("."):
        node = next(child for child in ast.iter_child_nodes(node) if getattr(child, "name", None) == name)
    lines = text.splitlines(keepends=True)
    return len("".join(lines[: node.lineno - 1])), len("".join(lines[: node.end_lineno]))


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in the folder, with the folder's package."""
    path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))
    environment = os.environ | {"PYTHONPATH": path, "OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, *arguments]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
