"""Run the lessons: `python -m lessons [numbers] [--quick | --full]`; figures go to figures/, claims to the summary.

A whole run also writes the ledger, and what each cell printed to `outputs/`, where the book finds it.
`python -m lessons exercise NN` hands out the exercises of a lesson, `python -m lessons grade NN FILE` judges answers.
"""

import argparse
import os
import re
import signal
import sys
import traceback
from pathlib import Path
from time import perf_counter


def leave(*_: object) -> None:
    """End at once: nothing has begun."""
    print("interrupted; no lesson had finished", file=sys.stderr)
    os._exit(130)


signal.signal(signal.SIGINT, leave)  # while NumPy is loaded
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before NumPy: here a second thread gains little, and waits busily
from tqdm import tqdm

from nfedu.course import cells
from nfedu.course.lesson import LEDGER, Lesson, number_of
from nfedu.course.statements import TAGS

HERE = Path(__file__).resolve().parent
LESSONS = {number_of(path.name): path for path in sorted(HERE.glob("[0-9][0-9]*_*.py"))}


def main() -> int:
    """Run the lessons asked for, all unless numbers are given; return 1 when one of them failed."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
    if sys.argv[1:2] in (["exercise"], ["grade"]):
        from nfedu.course.exercises import desk

        return desk.main(sys.argv[1:], HERE / "exercises")
    style = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(prog="python -m lessons", description=__doc__, formatter_class=style)
    parser.add_argument("numbers", nargs="*", help=f"which lessons, of {', '.join(LESSONS)}; all unless given")
    length = parser.add_mutually_exclusive_group()
    length.add_argument("--quick", action="store_true", help="little training, and no claims about trained digits")
    length.add_argument("--full", action="store_true", help="the long trainings")
    options = parser.parse_args()
    unknown = [number for number in options.numbers if not chosen(number)]
    if unknown:
        parser.error(f"there is no lesson {unknown[0].zfill(2)}; there are {', '.join(LESSONS)}")
    numbers = [name for number in options.numbers for name in chosen(number)] or list(LESSONS)

    flags = ["--quick"] * options.quick + ["--full"] * options.full
    failed, seconds, printed = [], {}, {}
    try:
        with tqdm(numbers, desc="lessons", unit="lesson") as bar:
            for number in bar:
                start = perf_counter()
                try:
                    printed[number] = cells.run(LESSONS[number], flags)
                    unclaimed = promised(LESSONS[number]) - {c.tag for c in LEDGER if c.number == number}
                    if unclaimed:
                        raise AssertionError(f"lesson {number} promises {', '.join(sorted(unclaimed))}, claims it not")
                except Exception:
                    traceback.print_exc()
                    failed.append(number)
                seconds[number] = perf_counter() - start
    except KeyboardInterrupt:
        print(f"interrupted; {finished(seconds, failed)}", file=sys.stderr)
        return 130
    print(summary(seconds, failed))
    missing = [tag for tag in TAGS if tag not in {c.tag for c in LEDGER}] if numbers == list(LESSONS) else []
    if missing:
        print(f"no lesson claims {', '.join(missing)}")
    elif numbers == list(LESSONS) and not failed:
        from nfedu.course import ledger

        drawn = Lesson("The ledger", "quick" if options.quick else "default", HERE.parent)
        drawn.show(ledger.errata(LEDGER), "errata", ledger.CAPTION)
        if not flags:
            (HERE / "LEDGER.md").write_text(ledger.page(LEDGER, HERE / "wrong"))
            print("ledger: lessons/LEDGER.md")
            keep(printed)
            print("outputs: lessons/outputs/")
    return 1 if failed or missing else 0


def chosen(number: str) -> list[str]:
    """Return the lessons that a number means: 4 is 04, and 0 is both parts of 00."""
    number = number.zfill(3 if number[-1:].isalpha() else 2)
    return [name for name in LESSONS if number in (name, name[:2])]


def keep(printed: dict[str, list[cells.Printed]]) -> None:
    """Write what the cells of each lesson printed; the files of lessons that are gone go too."""
    for number, made in printed.items():
        cells.save(HERE / "outputs" / f"{number}.json", made)
    for path in (HERE / "outputs").glob("*.json"):
        if path.stem not in printed:
            path.unlink()


def promised(path: Path) -> set[str]:
    """Return the tags that a lesson's heading names: `Statements N1–N5, misprints M1 and M2`."""
    heading = re.search(r"^# \*Notes: .*?\*$", path.read_text(), re.MULTILINE | re.DOTALL)
    ranges = re.findall(r"([NMB])(\d+)(?:–[NMB](\d+))?", heading[0] if heading else "")
    return {f"{kind}{i}" for kind, first, last in ranges for i in range(int(first), int(last or first) + 1)}


def finished(seconds: dict[str, float], failed: list[str]) -> str:
    """Return, in a few words, which lessons came to their end before a Ctrl-C."""
    if not seconds:
        return "no lesson had finished"
    lessons = ", ".join(f"{number} FAILED" if number in failed else number for number in seconds)
    held = sum(c.holds for c in LEDGER)
    return f"finished: {lessons}; {held} of the {len(LEDGER)} claims made so far hold, the ledger is as it was"


def summary(seconds: dict[str, float], failed: list[str]) -> str:
    """Return the ledger: every claim made, the lessons that made them, and how it went."""
    lines = ["", "Claims: tag, lesson, function, statement: error ≤ tolerance"]
    for c in LEDGER:
        lines.append(f"{'✓' if c.holds else '✗'} {c.tag:<4}{c.number:<4}{c.function:<26} {str(c)[7:]}")
    tags = sorted({c.tag for c in LEDGER}, key=lambda tag: ("NMB".index(tag[0]), int(tag[1:])))
    lines.append(f"\n{len(tags)} statements: {' '.join(tags)}")
    for number, s in seconds.items():
        lines.append(f"lesson {number}: {s:6.1f} s  {'FAILED' if number in failed else 'ok'}")
    held = sum(c.holds for c in LEDGER)
    lines.append(f"{held} of {len(LEDGER)} claims hold, {len(seconds) - len(failed)} of {len(seconds)} lessons ok")
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
