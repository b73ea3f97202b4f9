"""Which wrong line turns which claim red: `python -m tests.claims [NN ...] [--only WORD]`.

Each plant of `lessons/wrong/claims_NN.toml` goes into a copy of the project of its own, and the lessons that make its
claims run there. The table: lesson, what is wrong, how many of the plant's claims turned red, and of how many.

Exit code 0 when every claim of the lessons has a plant that names it and turns it red, 1 when one has none, 2 when a
claim fails with nothing planted: then nothing would follow. With --only, only plants whose file, words or claims hold
the word, and the claims that those name.
"""

from __future__ import annotations

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from functools import cache, partial
from pathlib import Path

from nfedu.course.plants import Plant, fits, plants
from tests.mutants.package import ROOT, python

PROCESSES = 2
RECORDED = Path(__file__).with_name("recorded.py")
Claims = dict[str, bool]  # statement → whether it holds


@contextmanager
def copied(source: Path, plant: Plant | None = None) -> Iterator[Path]:
    """Yield a temporary folder with a copy of the package and the lessons, the wrong line in it if there is a plant."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("nfedu", "lessons"):
            shutil.copytree(source / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
        if plant:
            (folder / plant.file).write_text(plant.planted((source / plant.file).read_text()))
        yield folder


def run(folder: Path, lesson: Path, length: str) -> Claims:
    """Run a lesson of the folder; return the claims that it made, up to its crash if it crashes or takes too long."""
    record = folder / f"{lesson.stem}.jsonl"
    flags = ["--quick"] if length == "quick" else []
    with suppress(subprocess.TimeoutExpired):
        python(folder, "-P", str(RECORDED), str(record), str(folder / "lessons" / lesson.name), *flags)
    lines = record.read_text().splitlines() if record.exists() else []
    made: Claims = {}
    for statement, holds in map(json.loads, lines):  # one that is made twice holds if both do
        made[statement] = made.get(statement, True) and holds
    return made


@cache
def unplanted(number: str, source: Path, length: str) -> dict[Path, Claims]:
    """Return what each lesson of a number claims with nothing planted, in a length."""
    lessons = sorted((source / "lessons").glob(f"{number}*_*.py"))
    with copied(source) as folder, ThreadPoolExecutor(PROCESSES) as pool:
        return dict(zip(lessons, pool.map(partial(run, folder, length=length), lessons), strict=True))


class Number:
    """The lessons of one number in the folder `source`: what they claim in each length, and what a plant turns red."""

    def __init__(self, number: str, source: Path) -> None:
        self.source, self.claims = source, partial(unplanted, number, source)

    def statements(self, length: str) -> Claims:
        """Return all lessons' claims."""
        return {statement: holds for made in self.claims(length).values() for statement, holds in made.items()}

    def length(self, plant: Plant) -> str:
        """Return the length to run for a plant: its own, but the default one where some claim is made only there."""
        quick = self.statements("quick")
        seen = all(any(fits(pattern, statement) for statement in quick) for pattern in plant.claims)
        return plant.length if seen else "default"

    def turned_red(self, plant: Plant) -> set[str]:
        """Return the claims that a plant names and that fail once it is there."""
        length = self.length(plant)
        makers = [lesson for lesson, made in self.claims(length).items() if any(map(plant.names, made))]
        with copied(self.source, plant) as folder:
            runs = [run(folder, lesson, length) for lesson in makers]
        return {statement for made in runs for statement, holds in made.items() if not holds and plant.names(statement)}


def judged(number: str, source: Path, word: str) -> int:
    """Print the table of one number, and the claims that nothing turned red; return the exit code."""
    chosen = [p for p in plants(source / "lessons" / "wrong", number) if word in f"{p.file} {p.words} {p.claims}"]
    lessons, red = Number(number, source), set()
    lengths = {"quick", *map(lessons.length, chosen)} | set([] if word else ["default"])
    made = [claim for length in sorted(lengths) for claim in lessons.statements(length).items()]
    failing = [statement for statement, holds in made if not holds]
    for statement in failing:
        print(f"{number}  fails with nothing planted: {statement}")
    if failing:
        return 2
    with ThreadPoolExecutor(PROCESSES) as pool:
        for plant, found in zip(chosen, pool.map(lessons.turned_red, chosen), strict=True):
            still = [pattern for pattern in plant.claims if not any(fits(pattern, statement) for statement in found)]
            expected = len(plant.claims)
            print(f"{number}  {plant.words:80} {expected - len(still)} / {expected}", flush=True)
            for pattern in still:
                print(f"      not red: {pattern}")
            red |= found
    all_claims = dict.fromkeys(statement for statement, _ in made)
    asked = [s for s in all_claims if not word or any(plant.names(s) for plant in chosen)]
    missing = [statement for statement in asked if statement not in red]
    for statement in missing:
        print(f"{number}  nothing turns it red: {statement}")
    print(f"{number}  {len(asked) - len(missing)} of {len(asked)} claims turn red, {len(chosen)} plants", flush=True)
    return 1 if missing else 0


def main(arguments: list[str]) -> int:
    """Print the tables of the numbers asked for, of all that have a file unless some are; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.claims", description=__doc__)
    parser.add_argument("numbers", nargs="*", metavar="NN")
    parser.add_argument("--only", default="", metavar="WORD")
    options = parser.parse_args(arguments)
    wrong = ROOT / "lessons" / "wrong"
    numbers = [n.zfill(2) for n in options.numbers] or sorted(path.stem[7:] for path in wrong.glob("claims_*.toml"))
    with copied(ROOT) as source:  # one state for all, whatever is edited meanwhile
        return max((judged(number, source, options.only) for number in numbers), default=0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
