"""The pages of the causes, taken apart and run. `python -m tests.book.pages` writes anew what the checker prints."""

import contextlib
import io
import re
import sys
import tempfile
import textwrap
from math import isclose
from pathlib import Path

import numpy as np

from nfedu import checks
from nfedu.__main__ import main
from nfedu.checks.causes import CAUSES
from nfedu.command.layers import from_file

FOLDER = Path(checks.__file__).parent / "pages"
MARK = "  # wrong"
FAILING = re.compile(r"^  \d .*FAIL\n(?:      .*\n)+", re.MULTILINE)
NUMBER = re.compile(r"[-−]?\d+(?:\.\d+)?(?:e[-+]\d+)?")


class Page:
    """A page: its wrong layer or flow, the lines that repair it, and what the checker prints of its failing check."""

    def __init__(self, path):
        self.path, self.text = path, path.read_text(encoding="utf-8")
        self.wrong, self.right = re.findall(r"^```python\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)
        [self.shown] = re.findall(r"^```text\n(.*?)^```$", self.text, re.MULTILINE | re.DOTALL)

    @property
    def repaired(self):
        """The code with the right lines in place of the marked ones, which stand together."""
        lines = self.wrong.splitlines()
        marked = [i for i, line in enumerate(lines) if line.endswith(MARK)]
        first, last = marked[0], marked[-1]
        assert len(marked) == last - first + 1, f"{self.path}: marked lines stand together"
        indent = " " * (len(lines[first]) - len(lines[first].lstrip()))
        return "\n".join([*lines[:first], textwrap.indent(self.right, indent).rstrip(), *lines[last + 1 :], ""])


def judged(code, folder):
    """Return the exit code, and what is printed of the last class of some code or of the flow that it returns."""
    is_flow = "\ndef flow(" in code
    path = folder / ("my_flow.py" if is_flow else "my_layer.py")
    path.write_text(code, encoding="utf-8")
    kept = list(sys.path)
    try:
        if is_flow:
            flow = from_file(path).flow(np.random.default_rng(0))
            report = checks.check_flow(flow, flow.sample(8, np.random.default_rng(1)))
            return int(not report.ok), f"{report}\n"
        name = re.findall(r"^class (\w+)", code, re.MULTILINE)[-1]
        with contextlib.redirect_stdout(io.StringIO()) as printed:
            return main(["check", f"{path}:{name}"]), printed.getvalue()
    finally:
        sys.path[:] = kept


def cause_in(printed):
    """Return the cause that a printed report ends with."""
    found = re.search(r"^cause: ([\w-]+), ", printed, re.MULTILINE)
    return found and found[1]


def first_failure(printed):
    """Return the lines of the check that a printed report shows first."""
    found = FAILING.search(printed)
    return found and found[0]


def agree(shown, printed):
    """Return whether words are the same, and numbers to a hundredth; those of rounding, to a factor of two.

    Which of several equally wrong rows is the worst is for rounding to say.
    """
    shown, printed = (re.sub(r"worst at \[\d+", "worst at [", text) for text in (shown, printed))
    if NUMBER.sub("#", shown) != NUMBER.sub("#", printed):
        return False
    numbers = ([float(n.replace("−", "-")) for n in NUMBER.findall(text)] for text in (shown, printed))
    return all(isclose(a, b, rel_tol=0.01 if abs(a) > 1e-9 else 0.5) for a, b in zip(*numbers, strict=True))


def rewrite():
    """Put into each page what the checker prints now; say of which another cause is named."""
    for code in CAUSES:
        page = Page(FOLDER / f"{code}.md")
        with tempfile.TemporaryDirectory() as folder:
            _, printed = judged(page.wrong, Path(folder))
        if cause_in(printed) == code:
            page.path.write_text(page.text.replace(page.shown, first_failure(printed)), encoding="utf-8")
        else:
            print(f"{code}: the checker names {cause_in(printed)}")


if __name__ == "__main__":
    rewrite()
