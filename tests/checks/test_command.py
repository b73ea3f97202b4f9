"""The command line: finding, building and judging anybody's layer; explaining causes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nfedu
from nfedu import checks
from nfedu.__main__ import main
from nfedu.checks.causes import CAUSES

LAYER = '''
import numpy as np
import nfedu

class Right(nfedu.Bijection):
    """x = z + sin(z)/2, by Newton's method on the way back."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        slope = 1 + np.cos(z) / 2

        def backward(g_x, g_log_det):
            return g_x * slope - g_log_det[:, None] * np.sin(z) / 2 / slope

        return z + np.sin(z) / 2, np.log(slope).sum(axis=1), backward

    def x_to_z(self, x):
        z = x
        for _ in range(60):
            z = z - (z + np.sin(z) / 2 - x) / (1 + np.cos(z) / 2)
        slope = 1 + np.cos(z) / 2

        def backward(g_z, g_log_det):
            return g_z / slope + g_log_det[:, None] * np.sin(z) / 2 / slope**2

        return z, -np.log(slope).sum(axis=1), backward

class Wrong(Right):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, -log_det, backward

class Positive(nfedu.Exp):
    pass

class Four(Right):
    def __init__(self, n=4):
        self.n = n

class Fixed(Right):
    def __init__(self):
        self.n = 2

class Asking(Right):
    def __init__(self, n, strength):
        self.n = n
'''


def test_command_line_judges_anybodys_layer(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(LAYER)
    assert main(["check", f"{tmp_path}/mine.py:Right", "--n", "2"]) == 0
    assert "Right, n = 2, 7 points: all" in capsys.readouterr().out
    assert main(["check", f"{tmp_path}/mine.py:Positive"]) == 0, "the points must lie in the layer's domain"
    assert main(["check", f"{tmp_path}/mine.py:Four"]) == 0
    assert "Four, n = 4, 7 points" in capsys.readouterr().out, "its own default"
    assert main(["check", f"{tmp_path}/mine.py:Fixed"]) == 0, "it asks for no n"
    capsys.readouterr()
    assert main(["check", f"{tmp_path}/mine.py:Wrong"]) == 1
    assert "the sign is flipped: this is the log-det of the other direction" in capsys.readouterr().out
    for place, words in {
        "mine.py": "expected FILE.py:CLASS",
        f"{tmp_path}/none.py:Right": "there is no file",
        f"{tmp_path}/mine.py:Nobody": "has no class 'Nobody'; it has Right, Wrong, Positive, ",
        f"{tmp_path}/mine.py:Asking": "needs 'strength'; give it a default, or --with strength=VALUE",
    }.items():
        assert main(["check", place]) == 2
        assert words in capsys.readouterr().err


def test_command_line_runs_as_a_module(tmp_path):
    (tmp_path / "mine.py").write_text(LAYER)
    done = subprocess.run(
        [sys.executable, "-m", "nfedu", "check", "mine.py:Wrong"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "FAIL" in done.stdout
    assert Path(tmp_path / "mine.py").exists()


ODD = """
import sys
import numpy as np
import nfedu
print("printed by the learner's file")

class Duck:  # no subclass: the contract's methods are enough
    def __init__(self, n=3):
        self.n = n

    def z_to_x(self, z):
        return 2 * z, np.full(len(z), self.n * np.log(2)), lambda g, l: 2 * g

    def x_to_z(self, x):
        return x / 2, np.full(len(x), -self.n * np.log(2)), lambda g, l: g / 2

    def parameters(self):
        return {}

class Unit(Duck):  # (0, 1) only, both ways
    def inside(self, y):
        if not ((y.real > 0) & (y.real < 1)).all():
            raise ValueError("outside (0, 1)")

    def z_to_x(self, z):
        self.inside(z)
        return z**2, np.log(2 * z).sum(axis=1), lambda g, l: 2 * z * g + l[:, None] / z

    def x_to_z(self, x):
        self.inside(x)
        z = np.sqrt(x)
        return z, -np.log(2 * z).sum(axis=1), lambda g, l: (g - l[:, None] / z) / (2 * z)

class WithExample(Unit):
    @classmethod
    def example(cls, rng, N):
        return rng.uniform(0.2, 0.8, (N, 3))

class Hangs(Duck):
    def x_to_z(self, x):
        while True:
            pass

class Exits(Duck):
    def x_to_z(self, x):
        sys.exit(3)

class ListOfParameters(Duck):
    def parameters(self):
        return [nfedu.Parameter(1.0)]

class Rebinds(Duck):
    def __init__(self, n=3):
        self.n, self.w = n, nfedu.Parameter(0.3)

    def z_to_x(self, z):
        def backward(g, l):
            self.w.grad = (g * z).sum()
            return g * self.w.value

        return z * self.w.value, np.full(len(z), self.n * np.log(self.w.value)), backward

    def x_to_z(self, x):
        w = self.w.value

        def backward(g, l):
            self.w.grad = -(g * x).sum() / w**2
            return g / w

        return x / w, np.full(len(x), -self.n * np.log(w)), backward

    def parameters(self):
        return {"w": self.w}

class ConstructorRaises(Duck):
    def __init__(self, n=3):
        raise RuntimeError("not today")

class NotCopied(Duck):
    def __deepcopy__(self, memo):
        raise TypeError("not twice")

class NoDimension(Duck):
    def __init__(self):
        pass

class Endless(Duck):
    def z_to_x(self, z):
        return self.z_to_x(z)

class Vast(Duck):
    def z_to_x(self, z):
        return [2 * z], None, lambda g, l: 2 * g

class Misnamed(nfedu.Bijection):
    def __init__(self, n):
        self.n = n

    def forward(self, z):
        return z, 0 * z[:, 0], lambda g, l: g

class NotSummed(nfedu.Rescale):
    def z_to_x(self, z):
        x, log_det, _ = super().z_to_x(z)

        def backward(g_x, g_log_det):
            self.log_s.grad += g_x * x

        return x, log_det, backward
"""


@pytest.fixture
def odd(tmp_path, monkeypatch):
    (tmp_path / "odd.py").write_text(ODD)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("nfedu.checks.subject.guard.SECONDS", 1.0)
    return tmp_path


@pytest.mark.parametrize(
    ("name", "code", "cause", "line"),
    [
        ("Duck", 0, None, ""),
        ("Unit", 0, None, ""),
        ("WithExample", 0, None, ""),
        ("NotCopied", 0, None, ""),
        ("Hangs", 1, "raises", "odd.py:41, in x_to_z"),
        ("Exits", 1, "raises", "odd.py:46, in x_to_z"),
        ("ListOfParameters", 1, "shape", "odd.py:49, parameters"),
        ("Rebinds", 1, "grad-rebound", "odd.py:57, backward of z_to_x"),
        ("Endless", 1, "raises", "odd.py:89, in z_to_x"),
        ("Vast", 1, "shape", "odd.py:92, z_to_x"),
    ],
)
def test_whatever_a_layer_does_it_gets_a_report(odd, capsys, name, code, cause, line):
    assert main(["check", f"odd.py:{name}", "--json"]) == code
    said = capsys.readouterr()
    report = json.loads(said.out)
    assert report["ok"] == (code == 0)
    assert report["cause"] == cause
    assert set(report["checks"][0]) == {"rung", "quantity", "error", "tolerance", "ok", "cause", "where", "words"}
    if line:
        assert line in [check["where"] for check in report["checks"]]
    assert "printed by the learner's file" in said.err, "and not where the report goes"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["odd.py:ConstructorRaises"], "raised RuntimeError: not today (odd.py:77, in __init__)"),
        (["odd.py:NoDimension"], "its attribute n is missing"),
        (["odd.py:Duck", "--n", "0"], "--n 0: expected an integer ≥ 1"),
        (["odd.py:Duck", "--points", "1"], "at least 2"),
        (["odd.py:Duck", "--points", "none.npy"], "expected a number or a readable .npy file"),
        (["odd.py:Duck", "--points", "nan.npy"], "NaN or infinity"),
        (["odd.py:Duck", "--points", "wide.npy"], "shape (5, 4), expected (N, 3)"),
        (["odd.py:Duck", "--low", "1", "--high", "0"], "expected low < high"),
        (["odd.py:Duck", "--with", "hidden"], "expected NAME=VALUE"),
        (["odd.py:Duck", "--with", "hidden=3"], "Duck takes no 'hidden'; it takes n"),
        (["odd.py:NoDimension", "--n", "2"], "the constructor takes no n"),
        (["odd.py:Duck", "--seconds", "0"], "--seconds 0: expected a number > 0"),
        (
            ["odd.py::Misnamed"],
            "Misnamed has no z_to_x(); help(nfedu.Bijection) describes what a layer must have (odd.py:95, in class",
        ),
        (["no.such.module:Duck"], "cannot be imported"),
        (["broken.py:Duck"], "cannot be imported: raised SyntaxError"),
    ],
)
def test_a_question_that_makes_no_sense_gets_one_line(odd, capsys, arguments, words):
    np.save("nan.npy", np.full((5, 3), np.nan))
    np.save("wide.npy", np.zeros((5, 4)))
    Path("broken.py").write_text("class Duck(:\n")
    assert main(["check", *arguments]) == 2
    said = capsys.readouterr()
    assert said.out == ""
    assert words in said.err.splitlines()[-1]


def test_points_bounds_dimensions_and_packages(odd, capsys):
    np.save("points.npy", np.random.default_rng(0).uniform(0.1, 0.9, (11, 3)))
    assert main(["check", "odd.py:Unit", "--points", "points.npy"]) == 0
    assert "n = 3, 11 points" in capsys.readouterr().out
    assert main(["check", "odd.py:Unit", "--low", "0", "--high", "1", "--points", "5"]) == 0
    assert "n = 3, 5 points" in capsys.readouterr().out
    assert main(["check", "odd.py:Duck", "--n", "2", "5"]) == 0
    assert [line.split(":")[0] for line in capsys.readouterr().out.splitlines() if line.startswith("Duck")] == [
        "Duck, n = 2, 7 points",
        "Duck, n = 5, 7 points",
    ]
    assert main(["check", "nfedu:MintUnit", "--with", "shape=1,2,2", "--with", "filters=1"]) == 0
    assert "MintUnit, n = 4" in capsys.readouterr().out
    assert main(["check", "odd.py:Duck", "-v"]) == 0
    assert "backward of z_to_x: linear" in capsys.readouterr().out


def test_a_report_says_what_it_left_out_and_where_to_look(odd, capsys):
    assert main(["check", "odd.py:Duck", "--seconds", "1e-9"]) == 0, "what is not judged is no failure"
    said = capsys.readouterr().out
    assert re.search(r"Duck, n = 3, 7 points: \d+ checks pass, [1-9]\d* not judged\n", said), "nor counted as passed"
    assert "latents of all sizes: no time left, give it more `seconds`" in said
    assert main(["check", "odd.py:Duck", "--low", "0"]) == 0
    said = capsys.readouterr().out
    assert "n = 1, 2, 4, 5, 6 too" in said
    assert "4 structure   none promised" in said
    np.save("points.npy", np.random.default_rng(0).uniform(0.1, 0.9, (11, 3)))
    assert main(["check", "odd.py:Duck", "--points", "points.npy"]) == 0
    assert "no other n, as --points says which" in capsys.readouterr().out
    assert main(["check", "odd.py:Rebinds"]) == 1
    said = capsys.readouterr().out
    assert "look from odd.py:57 on, in backward of z_to_x" in said, "the line that is wrong comes after it"
    assert said.count("backward of z_to_x: w.grad  FAIL") == 1
    assert main(["check", "odd.py:NotSummed"]) == 1
    assert "a gradient is summed over rows, .sum(axis=0)" in capsys.readouterr().out


def test_a_layer_without_its_methods_is_told_so_in_a_notebook_too():
    class Misnamed(nfedu.Bijection):
        n = 2

    report = checks.check_bijection(Misnamed(), np.zeros((3, 2)))
    assert "Misnamed has no z_to_x()" in report.failures[0].words
    assert "test_command.py:" in report.failures[0].where


def test_explain(capsys):
    assert main(["explain"]) == 0
    listed = capsys.readouterr().out
    assert all(f"  {code} " in listed for code in CAUSES)
    assert main(["explain", "logdet-sign"]) == 0
    assert capsys.readouterr().out.startswith("# logdet-sign")
    assert main(["explain", "gremlins"]) == 2
    assert "'gremlins' is no cause; `explain`" in capsys.readouterr().err
    assert main(["explain", "gradient-logdet"]) == 2
    assert "did you mean gradient-logdet-term?" in capsys.readouterr().err


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as end:
        main(["--version"])
    assert end.value.code == 0
    assert capsys.readouterr().out.startswith("nfedu 0.")
