"""The program as a whole: where it is run from."""

import subprocess
import sys

from tests.conftest import ROOT

EDITABLE = f"""
import runpy, sys
from importlib.util import spec_from_file_location
from pathlib import Path

class Installed:  # as setuptools does it for `pip install -e`: last of all finders
    def find_spec(name, path=None, target=None):
        file = Path({str(ROOT)!r}, *name.split("."))
        found = [f for f in (file / "__init__.py", file.with_suffix(".py")) if f.is_file()]
        return spec_from_file_location(name, found[0]) if name.startswith("nfedu") and found else None

sys.path[:] = [""] + [entry for entry in sys.path if not Path(entry, "nfedu").is_dir()]
sys.meta_path = [finder for finder in sys.meta_path if "editable" not in str(finder)] + [Installed]
sys.argv = ["nfedu", "explain"]
runpy.run_module("nfedu", run_name="__main__", alter_sys=True)
"""


def explained(folder):
    return subprocess.run([sys.executable, "-I", "-c", EDITABLE], cwd=folder, capture_output=True, text=True)


def test_above_the_clone_it_says_in_a_line_what_is_wrong(tmp_path):
    assert explained(tmp_path).returncode == 0  # an installed package is found where no folder is in the way
    (tmp_path / "nfedu").mkdir()
    done = explained(tmp_path)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1 and "run `nfedu` instead of `python -m nfedu`" in done.stderr
    assert f"run from {tmp_path}, " in done.stderr
