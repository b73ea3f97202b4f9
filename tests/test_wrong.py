"""The wrong lines of `lessons/wrong/` stand for lines that are there: else nobody would plant them."""

import tomllib

import pytest

from tests.conftest import ROOT

FILES = sorted((ROOT / "lessons" / "wrong").glob("claims_*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_each_line_to_be_spoiled_is_in_its_file(path):
    plants = tomllib.loads(path.read_text())["plant"]
    gone = [plant["line"] for plant in plants if (ROOT / plant["file"]).read_text().count(plant["line"]) != 1]
    assert not gone
