"""Where a command writes: a whole file or none, and over none that it did not write itself."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nfedu import storage

MARK = "nfedu plot"  # in each picture, by which it is known again


@dataclass(frozen=True)
class Target:
    """A file to be written, and whether it takes the place of one."""

    path: Path
    replaces: bool

    def __str__(self) -> str:
        return f"{self.path}{' (replaced)' * self.replaces}"

    @contextmanager
    def whole(self) -> Iterator[Path]:
        """Yield a temporary name, as `storage.whole`; ValueError, of one line, where the file cannot be written."""
        try:
            with storage.whole(self.path) as temporary:
                yield temporary
        except OSError as problem:
            raise ValueError(f"--out {self.path} cannot be written: {problem.strerror}") from problem


def add_out(parser: argparse.ArgumentParser, metavar: str, told: str) -> None:
    """Add where to write, and the leave to write over anybody's file."""
    parser.add_argument("--out", metavar=metavar, type=Path, help=told)
    parser.add_argument("--force", action="store_true", help="write over a file even if another program wrote it")


def target(
    out: Path, options: argparse.Namespace, given: Sequence[tuple[str, Path | None]], ours: Callable[[Path], bool]
) -> Target:
    """Return where to write; ValueError, before any work, where that is no place for it.

    That is never what the command was `given`, named by what it is; and no file that is there already, unless it is
    one of `ours`, of the same kind, or --force says so.
    """
    check_place(out)
    for kind, path in given:
        if path is not None and out.exists() and path.exists() and out.samefile(path):
            raise ValueError(f"--out {out} is the {kind} file; name another one")
    if out.exists() and not options.force and not ours(out):
        told = f"it is there, and nothing in it says that `nfedu {options.command}` wrote it"
        raise ValueError(f"--out {out} cannot be written: {told}; name another file with --out, or add --force")
    return Target(out, out.exists())


def check_place(out: Path) -> None:
    """Raise ValueError where no file can be."""
    if not out.parent.is_dir():
        raise ValueError(f"--out {out} cannot be written: the folder {out.parent} does not exist; create it first")
    if out.exists() and not out.is_file():
        raise ValueError(f"--out {out} cannot be written: it is no file; name one")


def is_picture(path: Path) -> bool:
    """Return whether `plot` has drawn a picture, as it says itself."""
    return MARK.encode() in path.read_bytes()


def is_scores(path: Path) -> bool:
    """Return whether a file is a table that `score` has written."""
    with path.open("rb") as file:
        return file.readline().strip() in (b"line,log_density", b"row,log_density")


def is_nobodys(path: Path) -> bool:
    """Return False: whether a table holds samples or data, nothing in it says."""
    return False
