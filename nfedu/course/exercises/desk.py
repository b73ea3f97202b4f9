"""`python -m lessons exercise` and `python -m lessons grade`: what is handed out, and what is handed in."""

from __future__ import annotations

import argparse
import os
import secrets
import sys
from pathlib import Path

from nfedu.course.exercises import grading
from nfedu.course.exercises.rooms import Room, rooms

EXERCISE = """Copy the exercises of a lesson into the working folder: a Python file with blanks, exercise_NN.py.

What to write, how long it takes and what it teaches stands in the file, and for all lessons in lessons/EXERCISES.md."""

GRADE = """Judge an answer by numbers: hidden functions, other sizes and other seeds than any that it was tried with.

For each part: whether it passes, or what is wrong, and the one of up to three hints that fits. An answer is code, and
is run, in a process of its own: a call may take 2 seconds, a part 5, a file 10. That keeps accidents away, not malice:
it can read and write what you can. Nothing is kept of earlier tries."""

EXAMPLES = """examples:
  python -m lessons exercise 03                    writes exercise_03.py
  python -m lessons grade 03 exercise_03.py        judges it
  python -m lessons grade 03 answers --csv         every .py file below a folder: a row for each part
  python -m lessons exercise 03 --solution         one solution, with its derivation

exit code: 0 all is well, 1 an answer is wrong, 2 the question makes no sense"""


def main(arguments: list[str], folder: Path) -> int:
    """Run `exercise` or `grade` with the rooms of a folder; return the exit code."""
    try:
        return run(arguments, rooms(folder))
    except BrokenPipeError:  # the reader of our output has seen enough
        sys.stdout = open(os.devnull, "w")  # noqa: SIM115
        return 0
    except (ValueError, OSError) as error:
        print(f"lessons {arguments[0]}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print(f"lessons {arguments[0]}: interrupted", file=sys.stderr)
        return 130


def run(arguments: list[str], known: dict[str, Room]) -> int:
    """Read the command line and do what it says."""
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m lessons", formatter_class=style)
    commands = parser.add_subparsers(dest="command", required=True)
    exercise = commands.add_parser("exercise", description=EXERCISE, epilog=EXAMPLES, formatter_class=style)
    grade = commands.add_parser("grade", description=GRADE, epilog=EXAMPLES, formatter_class=style)
    for command in (exercise, grade):
        command.add_argument("number", help=f"of the lesson: {', '.join(known)}")
        command.add_argument("--solution", action="store_true", help="print one solution, with its derivation")
    exercise.add_argument("--force", action="store_true", help="overwrite a file that is there already")
    grade.add_argument("file", nargs="?", type=Path, help="your file; or a folder of them, with --csv")
    grade.add_argument("--csv", action="store_true", help="a table: file, exercise, verdict, what is wrong, seconds")
    grade.add_argument("--seed", type=int, help="of the judge's numbers; another one each time unless given")
    options = parser.parse_args(arguments)
    room = known.get(options.number.zfill(2))
    if room is None:
        raise ValueError(f"there are no exercises {options.number}; there are {', '.join(known)}")
    if options.solution:
        print(room.solution.rstrip())
        return 0
    if options.command == "exercise":
        return hand_out(room, Path(f"exercise_{room.number}.py"), options.force)
    if options.file is None:
        raise ValueError(f"which file? as in: python -m lessons grade {room.number} exercise_{room.number}.py")
    seed = secrets.randbelow(10**6) if options.seed is None else options.seed
    if seed < 0:
        raise ValueError(f"--seed {seed}: expected an integer ≥ 0")
    return hand_in(room, options.file, seed, options.csv)


def hand_out(room: Room, path: Path, force: bool) -> int:
    """Copy the skeleton into the working folder."""
    if path.exists() and not force:
        raise ValueError(f"{path} is there already; --force overwrites it")
    path.write_text(room.skeleton, encoding="utf-8")
    print(f"{path}: {room.title}")
    for part in room.parts:
        print(f"  {part.name}: {part.time}")
    print(f"fill in the blanks, then: python -m lessons grade {room.number} {path}")
    return 0


def hand_in(room: Room, path: Path, seed: int, as_csv: bool) -> int:
    """Judge a file, or with `as_csv` a folder of files; return 0 when all pass."""
    if not path.exists():
        raise ValueError(f"there is no {path}; python -m lessons exercise {room.number} makes a file to fill in")
    if as_csv:
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path]
        if not files:
            raise ValueError(f"{path} holds no .py files")
        names = [str(file.relative_to(path)) if path.is_dir() else str(file) for file in files]
        graded = ((name, grading.grade(room, file, seed)) for name, file in zip(names, files, strict=True))
        return 0 if all([*grading.table(graded, sys.stdout)]) else 1
    if path.is_dir():
        raise ValueError(f"{path} is a folder; with --csv all its files are graded")
    verdicts = grading.grade(room, path, seed)
    print(f"{room.title} ({path}, seed {seed})")
    for v in verdicts:
        print(f"  {'✓' if v.passed else '✗'} {v.part}: {v.words or v.outcome}")
        if v.hint:
            hints = room.hints(v.part)
            print(f"      hint {v.hint} of {len(hints)}: {hints[v.hint - 1]}")
    print(f"{sum(v.passed for v in verdicts)} of {len(verdicts)} parts pass")
    return 0 if all(v.passed for v in verdicts) else 1
