"""The captions of all figures as text beside them: `figures/README.md`, from which the book takes them."""

import re
from pathlib import Path
from typing import NamedTuple

from nfedu.storage import whole

HEAD = """# Figures

Written by `python -m lessons`: each figure, where it comes from, and what to look at.
"""
ENTRY = re.compile(r"^## (\S+)\n\n!\[.*\n\n\*\*(.+?)\.\*\* (.+)$", re.MULTILINE)
MARKUP = r"([\\`*_\[\]<>|#])"  # what Markdown would not show as it is


class Caption(NamedTuple):
    """Where a figure comes from, `Lesson 01` or the like, and what to look at."""

    source: str
    text: str


def read(folder: Path) -> dict[str, Caption]:
    """Return the captions of the figures in a folder by file name; none where there is no README.md."""
    page = folder / "README.md"
    found = ENTRY.findall(page.read_text(encoding="utf-8")) if page.exists() else []
    return {file: Caption(source, re.sub(r"\\(.)", r"\1", text)) for file, source, text in found}


def put(folder: Path, file: str, source: str, text: str) -> None:
    """Write the caption of `folder/file` into the folder's README.md; entries whose figure is gone are left out."""
    captions = read(folder) | {file: Caption(source, " ".join(text.split()))}
    entries = [
        f"## {name}\n\n![{Path(name).stem}]({name})\n\n**{c.source}.** " + re.sub(MARKUP, r"\\\1", c.text)
        for name, c in sorted(captions.items())
        if name == file or (folder / name).exists()
    ]
    with whole(folder / "README.md") as temporary:
        temporary.write_text("\n\n".join([HEAD.rstrip(), *entries]) + "\n", encoding="utf-8")
