"""Check every mutant from the command line, in a copy of the package: `python -m tests.mutants.run [WORD ...]`.

With words, only mutants whose file, place or description holds one of them. Exit code 0 when every mutant is caught, 1
when one is missed, 2 when the package as it is fails one of the checks: then nothing would follow from a mutant's.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

from tests.mutants.package import SECONDS, package, python
from tests.mutants.table import MUTANTS, Mutant

PROCESSES = 2
ROW = "{:20} {:95} {:>4}  {:22} {}"

Given, Result = TypeVar("Given"), TypeVar("Result")


class Outcome(NamedTuple):
    """How a check ended: its exit code, None if stopped; the cause that its report names, or why none is there."""

    code: int | None
    cause: str | None = None
    trouble: str = ""

    @property
    def caught(self) -> bool:
        """Whether a report says that something is wrong: a crash has the exit code 1 too, but leaves no report."""
        return self.code == 1 and not self.trouble

    def __str__(self) -> str:
        return self.trouble or self.cause or "-"


def check(folder: Path, command: str) -> Outcome:
    """Run one check with the folder's package."""
    try:
        done = python(folder, "-m", "nfedu", "check", *shlex.split(command), "--json")
        return Outcome(done.returncode, json.loads(done.stdout)["cause"])
    except subprocess.TimeoutExpired:
        return Outcome(None, trouble=f"stopped after {SECONDS} s")
    except (json.JSONDecodeError, KeyError):
        return Outcome(done.returncode, trouble=f"no report: {(done.stderr.strip() or 'no words').splitlines()[-1]}")


def judge(mutant: Mutant, source: Path) -> Outcome:
    """Run the mutant's checks until one fails; return how the last one ended."""
    with package(mutant, source) as folder:
        for command in mutant.checks:
            outcome = check(folder, command)
            if outcome.caught:
                break
    return outcome


def parallel(work: Callable[[Given], Result], given: Iterable[Given]) -> Iterator[Result]:
    """Yield the results of work that waits for other processes, so many at a time."""
    with ThreadPoolExecutor(PROCESSES) as pool:
        yield from pool.map(work, given)


def accused(original: Path, mutants: Iterable[Mutant]) -> bool:
    """Print which of the mutants' checks the package fails as it is; return whether there are any."""
    commands = sorted({command for mutant in mutants for command in mutant.checks})
    found = False
    for command, outcome in zip(commands, parallel(lambda command: check(original, command), commands), strict=True):
        if outcome.code != 0:
            found = True
            print(f"not mutated, but exit code {outcome.code}: {command}: {outcome}", flush=True)
    return found


def main(words: list[str]) -> int:
    """Print the table and the counts; return the exit code."""
    described = {mutant: f"{mutant.file} {mutant.place} {mutant.spoils}" for mutant in MUTANTS}
    chosen = [mutant for mutant, text in described.items() if not words or any(word in text for word in words)]
    caught: dict[str, list[bool]] = {mutant.file: [] for mutant in chosen}
    with package() as original:  # one state for all, whatever is edited meanwhile
        if accused(original, chosen):
            return 2
        for mutant, outcome in zip(chosen, parallel(lambda mutant: judge(mutant, original), chosen), strict=True):
            caught[mutant.file].append(outcome.caught)
            verdict = "caught" if outcome.caught else "MISSED"
            name, text = Path(mutant.file).name, f"{mutant.place}, {mutant.spoils}"
            print(ROW.format(name, text, str(outcome.code), str(outcome), verdict), flush=True)
    for file, verdicts in caught.items():
        print(f"{file}: {sum(verdicts)} of {len(verdicts)} caught")
    return 0 if all(all(verdicts) for verdicts in caught.values()) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
