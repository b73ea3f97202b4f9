"""The exercises of a lesson: a room with a skeleton, its solution, its judge, and mistakes that people make."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any


@dataclass(frozen=True)
class Part:
    """One exercise: what is to be written, how long that takes, and what is learnt from it."""

    name: str
    task: str
    time: str
    learnt: str


@dataclass(frozen=True)
class Room:
    """The folder `lessons/exercises/NN_name`."""

    folder: Path

    @property
    def number(self) -> str:
        """The lesson's number."""
        return self.folder.name[:2]

    @property
    def skeleton(self) -> str:
        """The file with blanks."""
        return (self.folder / "skeleton.py").read_text(encoding="utf-8")

    @property
    def solution(self) -> str:
        """The file without blanks, each with its derivation."""
        return (self.folder / "solution.py").read_text(encoding="utf-8")

    @cached_property
    def title(self) -> str:
        """The first line of the skeleton."""
        return (ast.get_docstring(ast.parse(self.skeleton)) or "").split("\n")[0].rstrip(".")

    @cached_property
    def parts(self) -> list[Part]:
        """The exercises, in the order of the skeleton."""
        found = []
        for node in ast.parse(self.skeleton).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node) or ""
                said = re.search(r"\n\nTime: (.*?)\. You learn (.*)\.\s*$", text, re.DOTALL)
                if said:
                    task, learnt = text[: said.start()], " ".join(said[2].split())
                    found.append(Part(node.name, task, said[1], learnt))
        return found

    @cached_property
    def judges(self) -> ModuleType:
        """The judge: a function for each part, `part(answer's part, rng)`, and HINTS, up to three for each."""
        return run(self.folder / "judge.py")

    @cached_property
    def mistakes(self) -> list[tuple[str, str, str, str]]:
        """Typical mistakes: part, the solution's lines, wrong ones in their place, words that the verdict must hold."""
        return run(self.folder / "mistakes.py").MISTAKES

    def judge(self, part: str) -> Callable[..., None]:
        """Return the judge of a part."""
        return getattr(self.judges, part)

    def hints(self, part: str) -> list[str]:
        """Return the hints of a part."""
        return self.judges.HINTS[part]


def rooms(folder: Path) -> dict[str, Room]:
    """Return the rooms below `lessons/exercises`, by the lesson's number."""
    return {path.name[:2]: Room(path) for path in sorted(folder.glob("[0-9][0-9]_*"))}


def run(path: Path) -> Any:
    """Run one of our own files, and return it as a module."""
    module = ModuleType(f"{path.parent.name}.{path.stem}")
    module.__file__ = str(path)
    exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)
    return module
