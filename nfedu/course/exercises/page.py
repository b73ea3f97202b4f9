"""The book's page of exercises, made of the skeletons: `python -m nfedu.course.exercises.page` writes it anew."""

import re
import textwrap
from pathlib import Path

from nfedu.course.exercises.rooms import Room, rooms

LESSONS = Path(__file__).resolve().parents[3] / "lessons"

MARKS = re.compile(r"(?!\*\w+\*|(?<=\w)\* )([*_<|])")  # but for those of *stress*

HEAD = """# Exercises

Each lesson has some, with a judge. In the clone's folder, `python -m lessons exercise 03` copies those of lesson 03 as
`exercise_03.py`, a file with blanks; fill them in and let `python -m lessons grade 03 exercise_03.py` judge them. It
asks your functions about numbers of its own, says what is wrong, and gives a hint that fits; none for what is still
blank. You need not do all the parts, nor in this order. `python -m lessons exercise 03 --solution` prints a solution
with its derivation.

"By hand" means with NumPy: taking the library's layer, or an automatic derivative, is noticed. What stands under
`if __name__ == "__main__":` is yours: check there with whatever you like. Your own numbers are judged to eight digits
or so: formulas, not approximations, are asked for, unless the task says so.

A teacher grades a folder of files with `python -m lessons grade 03 FOLDER --csv`. An answer is code that is run, in a
process of its own: a call may take two seconds, a part five, a file ten. That guards against accidents, not against
malice: run strangers' files where they can do no harm.
"""


def page(known: dict[str, Room]) -> str:
    """Return the page: for each lesson what is to be written, the time it needs, and what is learnt."""
    lines = [HEAD]
    for room in known.values():
        lines += [f"## {room.title}", ""]
        for part in room.parts:
            task = plain(part.task.split("\n\n")[0])
            words = f"- **`{part.name}`** ({part.time}). {task} *Learnt:* {plain(part.learnt)}."
            lines += [*textwrap.wrap(words, 118, subsequent_indent="  ", break_on_hyphens=False), ""]
    return "\n".join(lines).rstrip() + "\n"


def plain(text: str) -> str:
    """Return text that Markdown shows as it is, code and *stress* apart."""
    pieces = " ".join(text.split()).split("`")
    return "`".join(p if k % 2 else MARKS.sub(r"\\\1", p) for k, p in enumerate(pieces))


if __name__ == "__main__":
    (LESSONS / "EXERCISES.md").write_text(page(rooms(LESSONS / "exercises")), encoding="utf-8")
