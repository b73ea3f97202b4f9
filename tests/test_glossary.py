"""The glossary names things that exist, and lessons that are there."""

import re

import nfedu
from tests.conftest import ROOT

ROWS = re.findall(
    r"^\| (.+?) \| (.+?) \| (.+?) \| `nfedu\.(.+?)` \|$", (ROOT / "lessons" / "GLOSSARY.md").read_text(), re.MULTILINE
)


def test_every_name_exists():
    assert len(ROWS) > 20
    for _, _, lessons, name in ROWS:
        found = nfedu
        for part in name.split("."):
            found = getattr(found, part)
        for number in lessons.split(", "):
            assert list((ROOT / "lessons").glob(f"{number}*_*.py")), number
