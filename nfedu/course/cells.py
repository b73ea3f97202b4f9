"""A lesson by its cells: where they begin, running them one after the other, and what each of them printed.

`lessons/outputs/NN.json` keeps the last whole run: for each code cell a hash of its text and the lines that it printed.
"""

import __future__

import ast
import hashlib
import json
import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import asdict, dataclass
from io import StringIO
from pathlib import Path
from tokenize import COMMENT, generate_tokens
from types import ModuleType
from typing import TextIO

from nfedu.storage import whole


@dataclass(frozen=True)
class Cell:
    """A code cell: its text, and the first and last of the file's lines that belong to it."""

    text: str
    first: int
    last: int

    @property
    def hash(self) -> str:
        """What tells this text from any other."""
        return hashlib.sha256(self.text.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Printed:
    """What the cell with this hash printed, line by line."""

    cell: str
    lines: list[str]


class Tee(StringIO):
    """A stream that keeps what it passes on."""

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self.stream = stream

    def write(self, text: str) -> int:
        """Pass the text on, and keep it."""
        self.stream.write(text)
        return super().write(text)

    def flush(self) -> None:
        """Flush the stream behind."""
        self.stream.flush()


def split(script: str) -> list[Cell]:
    """Return the code cells of a script in percent format; a `# %%` inside a string begins none."""
    comments = (token for token in generate_tokens(StringIO(script).readline) if token.type == COMMENT)
    marks = [comment for comment in comments if re.match(r"# %%(\s|$)", comment.string)]
    lines = script.split("\n")
    firsts = [1, *(mark.start[0] + 1 for mark in marks)]
    lasts = [*(mark.start[0] - 1 for mark in marks), len(lines)]
    cells = []
    for mark, first, last in zip(["", *(mark.string for mark in marks)], firsts, lasts, strict=True):
        text = "\n".join(lines[first - 1 : last]).strip("\n")
        if "[markdown]" not in mark and (mark or text.strip()):
            cells.append(Cell(text, first, last))
    return cells


def run(path: Path, arguments: Sequence[str]) -> list[Printed]:
    """Run a lesson as `python path arguments…` does, a cell at a time; return what each cell printed, also shown."""
    script = path.read_text(encoding="utf-8")
    statements, found = ast.parse(script, str(path)).body, split(script)
    for statement in statements:
        if not any(cell.first <= statement.lineno <= cell.last for cell in found):
            raise SyntaxError("code in a cell of text", (str(path), statement.lineno, None, None))
    printed, flags = [], 0
    with as_main(path, arguments) as module:
        for cell in found:
            body = [statement for statement in statements if cell.first <= statement.lineno <= cell.last]
            code = compile(ast.Module(body, []), str(path), "exec", flags, dont_inherit=True)
            flags |= code.co_flags & __future__.annotations.compiler_flag  # an import from there holds for all cells
            with redirect_stdout(Tee(sys.stdout)) as tee:
                exec(code, vars(module))
            text = tee.getvalue().rstrip("\n")
            printed.append(Printed(cell.hash, text.split("\n") if text else []))
    return printed


@contextmanager
def as_main(path: Path, arguments: Sequence[str]) -> Iterator[ModuleType]:
    """Yield an empty module that is the program `path` while the context lasts: there pickle finds its classes."""
    kept, argv = sys.modules["__main__"], sys.argv
    module = ModuleType("__main__")
    module.__file__ = str(path)
    sys.modules["__main__"], sys.argv = module, [str(path), *arguments]
    try:
        yield module
    finally:
        sys.modules["__main__"], sys.argv = kept, argv


def save(path: Path, printed: Sequence[Printed]) -> None:
    """Write what the cells of a lesson printed; the file is whole at any time."""
    path.parent.mkdir(exist_ok=True)
    text = json.dumps([asdict(p) for p in printed], ensure_ascii=False, indent=1)
    with whole(path) as temporary:
        temporary.write_text(text + "\n", encoding="utf-8")


def load(path: Path) -> list[Printed]:
    """Return what the cells of a lesson printed; nothing if it was never kept."""
    return [Printed(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))] if path.exists() else []
