"""Grading: an answer's parts, each judged by numbers, end in a verdict in one line and a hint."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from time import monotonic
from typing import Any, TextIO

import numpy as np

from nfedu.checks.subject.guard import Trouble
from nfedu.course.exercises.answer import Apart, EndedError, here
from nfedu.course.exercises.judging import WrongError
from nfedu.course.exercises.pupil import BLANK
from nfedu.course.exercises.rooms import Room
from nfedu.course.exercises.source import borrowed, lesson_of

SECONDS, IN_ALL = 5.0, 9.0  # for one part, and for a file
LEAST = 1.0  # kept for each part that is still to come
LARGEST = 1_000_000  # bytes of a file
LOADING = "the file cannot be run: "


@dataclass(frozen=True)
class Verdict:
    """What is said of one part: "passed", "wrong" or "blank", in which words; hint 0 is none."""

    part: str
    outcome: str
    words: str = ""
    hint: int = 0
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """Whether the answer is right."""
        return self.outcome == "passed"


def grade(room: Room, path: Path, seed: int) -> list[Verdict]:
    """Judge all parts of an answer, in a process of its own, for SECONDS at most for each part."""
    start = monotonic()
    verdicts: list[Verdict] = []
    with Apart(path) as answer:
        for k, part in enumerate(room.parts):
            objection = refused(room, part.name, path)
            if objection:
                verdicts.append(Verdict(part.name, "wrong", objection))
                continue
            left = IN_ALL - (monotonic() - start) - LEAST * len(room.parts[k + 1 :])
            seconds = min(SECONDS, max(left, LEAST / 2))
            verdict = judged(room, part.name, partial(answer.loaded, seconds), seed)
            verdicts.append(verdict)
            if verdict.words.startswith(LOADING):  # the others would not come farther
                return verdicts + [Verdict(p.name, "wrong", verdict.words) for p in room.parts[k + 1 :]]
    return verdicts


def refused(room: Room, part: str, path: Path) -> str:
    """Return why a part of a file is not even run, "" if it is."""
    try:
        text = path.read_bytes()
    except OSError as problem:
        return f"the file cannot be read: {problem.strerror}"
    if len(text) > LARGEST:
        return f"the file has {len(text)} bytes, expected a Python file of at most {LARGEST}"
    lesson = lesson_of(text.decode("utf-8", "replace"))
    if lesson not in ("", room.number):
        return f"this is a file of lesson {lesson}, as it says itself: python -m lessons grade {lesson} {path.name}"
    return borrowed(text.decode("utf-8", "replace"), room.skeleton, part)


def judged_here(room: Room, part: str, path: Path, seed: int) -> Verdict:
    """Judge one part of a trusted answer in this process."""
    objection = refused(room, part, path)
    return Verdict(part, "wrong", objection) if objection else judged(room, part, partial(here, path), seed)


def judged(room: Room, part: str, load: Callable[[], AbstractContextManager[Any]], seed: int) -> Verdict:
    """Judge one part of an answer that `load` loads."""
    start = monotonic()

    def verdict(outcome: str, words: str = "", hint: int = 0) -> Verdict:
        return Verdict(part, outcome, words, min(hint, len(room.hints(part))), monotonic() - start)

    loading = LOADING
    try:
        with np.errstate(all="ignore"), load() as module:
            loading = ""
            theirs = getattr(module, part)
            room.judge(part)(theirs, np.random.default_rng([seed, len(part)]))
    except WrongError as wrong:
        return verdict("wrong", wrong.words, wrong.hint)
    except EndedError as ended:
        return verdict("wrong", f"{loading}it {ended}", 1 if not loading else 0)
    except Trouble as trouble:
        words = trouble.words + (f" ({trouble.where})" if trouble.where else "")
        if trouble.cause == BLANK:
            return verdict("blank", words)  # no hint: grading another part would give it away
        return verdict("wrong", f"{loading}{words}", 0 if loading else 1)
    except Exception as problem:  # results of a kind that the judge did not think of
        return verdict("wrong", f"its results cannot be compared: {type(problem).__name__}: {problem}", 1)
    return verdict("passed")


def table(graded: Iterable[tuple[str, list[Verdict]]], out: TextIO) -> Iterator[bool]:
    """Write a row for each part of each file; yield whether all of a file's passed, as it comes."""
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(["file", "exercise", "verdict", "what is wrong", "seconds"])
    for name, verdicts in graded:
        for v in verdicts:
            writer.writerow([name, v.part, v.outcome, v.words, f"{v.seconds:.1f}"])
        out.flush()
        yield all(v.passed for v in verdicts)
