"""Tables of text: which character stands between columns, whether the first line names them, what each cell is."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from nfedu.arrays import Array

DELIMITERS = (",", ";", "\t", "|")
MISSING = ("", "na", "n/a", "nan", "null", "none", "?", "-")


def read_text(
    path: Path, encoding: str, drop: Sequence[str], only: Sequence[str] | None
) -> tuple[list[str], Array, Array]:
    """Return the names, the rows (N, n), NaN where a value is missing, and each row's line in the file."""
    text = decoded(path, encoding)
    delimiter = delimiter_of(text)
    lines, cells = split(text, delimiter)
    if not cells:
        raise ValueError(f"{path} has no rows, only blank lines; expected a table with a row for each point")
    lines, cells = without_comments(lines, cells)
    check_counts(path, lines, list(map(len, cells)))
    comma = delimiter not in (",", None)  # then a number may be written 1,5
    names, hint = [f"x{i + 1}" for i in range(len(cells[0]))], ""
    if not is_header(cells[0], comma):
        hint = f"; line {lines[0]} was not taken for names, since a name is never a number"
    else:
        names = [cell.strip() or f"x{i + 1}" for i, cell in enumerate(cells[0])]
        lines, cells = lines[1:], cells[1:]
        if not cells:
            raise ValueError(f"{path} has no rows below its line of names; expected a row for each point")
    for name in drop:
        if name not in names:
            raise ValueError(f"--drop {name}: {path} has no such column; it has {', '.join(names)}{hint}")
    kept = [i for i, name in enumerate(names) if name not in drop]
    missing = [name for name in only or [] if name not in names]
    if only and not missing:
        kept = [names.index(name) for name in only]
    elif only and len(missing) < len(only):  # the cause, before any text in the other columns
        raise ValueError(f"{path} has no column {missing[0]!r}; it has {', '.join(names)}")
    columns = [column_of([row[i] for row in cells], names[i], lines, path, comma, hint) for i in kept]
    if not columns:
        raise ValueError(f"{path}: no column is left to learn from")
    return [names[i] for i in kept], np.stack(columns, axis=1), np.array(lines)


def decoded(path: Path, encoding: str) -> str:
    """Return the file's text, without a byte order mark; ValueError, with the line, where it is of another encoding."""
    raw = path.read_bytes()
    if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
        encoding = "utf-16"
    elif raw.startswith(b"\xef\xbb\xbf"):
        encoding = "utf-8-sig"
    try:
        text = raw.decode(encoding)
    except LookupError:
        raise ValueError(f"--encoding {encoding}: there is none of that name; expected one such as latin-1") from None
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ValueError(
            f"{path}, line {line}: byte 0x{raw[error.start]:02x} is not {encoding}; save the file as UTF-8, "
            "or say what it is, as with --encoding latin-1"
        ) from None
    if "\0" in text:
        line = text.count("\n", 0, text.index("\0")) + 1
        raise ValueError(f"{path}, line {line}: a zero byte; this is no table of text, or say what with --encoding")
    return text


def delimiter_of(text: str) -> str | None:
    """Return what stands between columns: what is as frequent in all of the first lines; None for spaces or nothing."""
    lines = [line for line in text[:100_000].splitlines() if line.strip()][:20]
    counts = {mark: [line.count(mark) for line in lines] for mark in DELIMITERS}
    even = [mark for mark in (";", "\t", "|", ",") if counts[mark] and min(counts[mark]) == max(counts[mark]) > 0]
    if even:
        return even[0]
    some = [mark for mark in (";", "\t", "|", ",") if sum(counts[mark])]
    return max(some, key=lambda mark: sum(count > 0 for count in counts[mark])) if some else None


def split(text: str, delimiter: str | None) -> tuple[list[int], list[list[str]]]:
    """Return the cells of each line that is not blank, and its number."""
    if delimiter is None or '"' not in text:
        numbered = [(k, line) for k, line in enumerate(text.splitlines(), 1) if line.strip()]
        return [k for k, _ in numbered], [line.split(delimiter) for _, line in numbered]
    reader = csv.reader(text.splitlines(keepends=True), delimiter=delimiter)
    read = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    return [k for k, _ in read], [row for _, row in read]


def without_comments(lines: list[int], cells: list[list[str]]) -> tuple[list[int], list[list[str]]]:
    """Return what stands below lines that begin with #, and the last of these if it may name the columns."""
    count = next((k for k, row in enumerate(cells) if not row[0].lstrip().startswith("#")), 0)
    if count == 0 or len(cells[count - 1]) != len(cells[count]):
        return lines[count:], cells[count:]
    head = cells[count - 1]
    return lines[count - 1 :], [[head[0].lstrip(" #"), *head[1:]], *cells[count:]]


def check_counts(path: Path, lines: list[int], counts: list[int]) -> None:
    """Raise ValueError for the first line with another count of columns than most lines have."""
    usual = max(dict.fromkeys(counts), key=counts.count)
    for line, count in zip(lines, counts, strict=True):
        if count != usual:
            told = f"{count} column{'s' * (count != 1)}, expected {usual}, as most lines have"
            raise ValueError(f"{path}, line {line}: {told}; mend that line")


def is_header(cells: list[str], comma: bool) -> bool:
    """Return whether a first line holds names: no cell is a number, and some say more than that a value is missing."""
    named = [cell for cell in cells if cell.strip().lower() not in MISSING]
    return bool(named) and all(number(cell, comma) is None for cell in named)


def number(cell: str, comma: bool) -> float | None:
    """Return a cell's number, or None."""
    try:
        return float(cell)
    except ValueError:
        return number(cell.replace(",", "."), False) if comma and cell.count(",") == 1 else None


def column_of(cells: list[str], name: str, lines: list[int], path: Path, comma: bool, hint: str) -> Array:
    """Return a column's numbers, NaN where they are missing; ValueError for the first cell that is text.

    `hint`: what the message is to say of the first line.
    """
    try:
        return np.array(list(map(float, cells)))
    except ValueError:
        pass
    values = np.empty(len(cells))
    for k, cell in enumerate(cells):
        value = number(cell, comma)
        if value is None and cell.strip().lower() not in MISSING:
            raise ValueError(
                f"{path}, line {lines[k]}, column {name}: {cell.strip()!r} is no number; mend it, or leave the column "
                f"out with --drop {name}{hint if k == 0 else ''}"
            )
        values[k] = np.nan if value is None else value
    return values
