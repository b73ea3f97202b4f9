"""Wrong lines, and the claims that each turns red: `lessons/wrong/claims_NN.toml`, a file for each lesson's number.

A [[plant]] there has the fields of `Plant`. Its claims are written as the lesson writes them, with * for what an
f-string fills in. The ledger says of each claim for which of them it fails; `python -m tests.claims` plants them.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path


@dataclass(frozen=True)
class Plant:
    """A wrong line: where it goes, what is wrong with it in a few words, and the claims that fail then."""

    file: str
    line: str  # text that stands there exactly once
    wrong: str  # what is put there instead
    words: str
    claims: tuple[str, ...]
    length: str = "quick"  # "default" where a quick run is too short for the claims to be seen to fail

    def planted(self, text: str) -> str:
        """Return the file's text with the wrong line in it; a ValueError unless the line stands there once."""
        if text.count(self.line) != 1:
            raise ValueError(f"{self.file}: {self.line!r} stands there {text.count(self.line)} times, expected once")
        return text.replace(self.line, self.wrong)

    def names(self, statement: str) -> bool:
        """Whether a claim's statement is among those that the plant turns red."""
        return any(fits(pattern, statement) for pattern in self.claims)


def fits(pattern: str, statement: str) -> bool:
    """Whether a statement is that of a pattern, in which * stands for anything."""
    return re.fullmatch(".*".join(re.escape(piece) for piece in pattern.split("*")), statement, re.DOTALL) is not None


@cache
def plants(folder: Path, number: str) -> tuple[Plant, ...]:
    """Return the plants of a lesson's number, 00a's among those of 00; none if `folder` has no file of them."""
    path = folder / f"claims_{number[:2]}.toml"
    found = tomllib.loads(path.read_text())["plant"] if path.exists() else []
    return tuple(Plant(**{**plant, "claims": tuple(plant["claims"])}) for plant in found)
