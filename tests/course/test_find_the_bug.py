"""Lesson 00e's wrong layers have one mistake each: with its lines mended a layer passes all checks."""

import ast

import pytest

from nfedu.__main__ import main
from tests.conftest import ROOT

SOURCE = (ROOT / "lessons" / "wrong" / "find_the_bug.py").read_text()
CLASSES = {node.name: node for node in ast.parse(SOURCE).body if isinstance(node, ast.ClassDef)}
MENDED = {
    "Sinh": [("(g_z - g_log_det[:, None] * x) / np.sqrt(s)", "g_z / np.sqrt(s) - g_log_det[:, None] * x / s")],
    "Matrix": [("return g_x @ W\n", "return g_x @ W.T\n")],
    "Stretch": [
        ("- sign * g_log_det.sum()", "+ sign * g_log_det.sum()"),
        ("-sign * self.a.value.sum()", "sign * self.a.value.sum()"),
    ],
    "Lean": [("self.t.grad[...] = ", "self.t.grad += ")],
    "Gate": [
        (
            "[g[:, :1], g[:, 1:] * np.exp(alpha)]",
            "[g[:, :1] + sign * (g_alpha @ self.c.value)[:, None] * (1 - h**2), g[:, 1:] * np.exp(alpha)]",
        )
    ],
    "Scales": [
        ("log_det / self.n_b, lambda g_x, g_log_det: backward(g_x, g_log_det / self.n_b)", "log_det, backward"),
        ("log_det / self.n_b, lambda g_z, g_log_det: backward(g_z, g_log_det / self.n_b)", "log_det, backward"),
    ],
    "Wave": [
        ("self.z, self.slope = z, 1 + np.cos(z) / 2", "slope = 1 + np.cos(z) / 2"),
        (
            "np.log(self.slope).sum(axis=1), self.back",
            "np.log(slope).sum(axis=1), lambda g, l: self.back(g, l, z, slope)",
        ),
        ("def back(self, g_x, g_log_det):", "def back(self, g_x, g_log_det, z, slope):"),
        (
            "g_x * self.slope - g_log_det[:, None] * np.sin(self.z) / (2 * self.slope)",
            "g_x * slope - g_log_det[:, None] * np.sin(z) / (2 * slope)",
        ),
    ],
    "Move": [("g_x.mean(axis=0)", "g_x.sum(axis=0)")],
    "Cubic": [("range(3)", "range(60)")],
    "Round": [("lambda g_x, g_log_det: np.roll(g_x, -1, axis=1)", "lambda g_x, g_log_det: np.roll(g_x, 1, axis=1)")],
}


def test_there_are_ten():
    assert len(CLASSES) == 10
    assert set(CLASSES) == set(MENDED)


@pytest.mark.parametrize("name", MENDED)
def test_a_layer_fails_as_it_is_and_passes_when_mended(name, tmp_path, capsys):
    own = ast.get_source_segment(SOURCE, CLASSES[name])
    for wrong, right in MENDED[name]:
        assert own.count(wrong) == 1, wrong
        own = own.replace(wrong, right)
    mended = tmp_path / f"{name.lower()}.py"
    mended.write_text(f"import numpy as np\nimport nfedu\n\n{own}\n")
    assert main(["check", f"{ROOT / 'lessons' / 'wrong' / 'find_the_bug.py'}:{name}"]) == 1
    assert main(["check", f"{mended}:{name}"]) == 0, capsys.readouterr().out


@pytest.mark.parametrize("name", CLASSES)
def test_a_docstring_does_not_tell(name):
    words = ast.get_docstring(CLASSES[name]).lower()
    assert not any(word in words for word in ("wrong", "mistake", "bug", "missing", "forgot"))
