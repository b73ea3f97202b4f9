"""The tools of the ladder: derivatives against closed forms, reports, the command line."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import nfedu
from nfedu import checks
from nfedu.__main__ import main
from nfedu.checks import diagnosis
from nfedu.checks.derivatives import trusted_method
from nfedu.checks.report import Report, relative_error, worst_entry

X = np.array([0.3, -1.2, 4.0])


@pytest.mark.parametrize(("method", "tolerance"), [("complex", 1e-15), ("central", 1e-9)])
def test_gradient_against_a_closed_form(method, tolerance):
    found = checks.gradient(lambda v: (v**3).sum() + np.exp(v[0] * v[1]), X, method)
    e = np.exp(X[0] * X[1])
    np.testing.assert_allclose(found, 3 * X**2 + [X[1] * e, X[0] * e, 0], rtol=tolerance)


@pytest.mark.parametrize(("method", "tolerance"), [("complex", 1e-15), ("central", 1e-9)])
def test_jacobians_row_by_row(method, tolerance):
    x = np.random.default_rng(0).standard_normal((4, 2))
    J = checks.jacobians(lambda v: np.stack([v[:, 0] * v[:, 1], v[:, 0] ** 2, np.sin(v[:, 1])], axis=1), x, method)
    zero = np.zeros(4)
    expected = np.stack([x[:, ::-1], np.stack([2 * x[:, 0], zero], 1), np.stack([zero, np.cos(x[:, 1])], 1)], axis=1)
    np.testing.assert_allclose(J, expected, atol=tolerance)


@pytest.mark.parametrize(
    ("f", "method"),
    [
        (lambda v: np.sin(v), "complex"),
        (lambda v: np.maximum(v, 0), "complex"),
        (lambda v: abs(v) ** 2, "central"),
        (lambda v: v.real**2, "central"),
        (lambda v: np.floor(v) + v, "central"),  # NumPy has no floor of a complex number
    ],
)
def test_the_complex_step_is_trusted_only_where_it_is_right(f, method):
    assert trusted_method(f, X, np.random.default_rng(0)) == method


def test_softplus_and_sigmoid_are_accurate_at_both_ends():
    from nfedu.analytic import sigmoid, softplus

    a = np.array([-500.0, -40.0, -1e-9, 0.0, 1e-9, 40.0, 500.0])
    np.testing.assert_allclose(softplus(a), np.logaddexp(a, 0), rtol=1e-15)
    from scipy.special import expit

    np.testing.assert_allclose(sigmoid(a), expit(a), rtol=1e-15)
    for f, slope in ((softplus, expit), (sigmoid, lambda v: expit(v) * expit(-v))):
        np.testing.assert_allclose(f(a + 1e-30j).imag / 1e-30, slope(a), rtol=1e-14)


def test_a_report_counts_nan_as_failure_and_says_where():
    report = Report("a layer")
    assert report.compare(5, "right", X, X, 0)
    assert not report.compare(5, "not a number", np.array([1.0, np.nan]), np.array([1.0, 2.0]), 1e-3)
    assert not report.ok
    assert [check.quantity for check in report.failures] == ["not a number"]
    assert "1 of 2 checks FAIL" in str(report)
    assert "worst at [1]: got nan, expected 2" in str(report)
    with pytest.raises(checks.CheckFailedError, match="not a number"):
        report.raise_if_failed()


def test_errors_are_relative_to_the_largest_expected_entry():
    assert relative_error(np.array([1.0, 10.0]), np.array([1.1, 10.0])) == pytest.approx(0.01)
    assert relative_error(np.array([0.5]), np.array([0.0])) == 0.5
    assert (
        worst_entry(np.array([[1.0, -2.0]]), np.array([[1.0, 2.0]])) == "worst at [0, 1]: got -2, expected 2, ratio -1"
    )


def test_a_gradient_of_nans_fails_even_when_it_is_projected():
    class Wrong(nfedu.AdditiveCoupling):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)

            def spoiled(g_x, g_log_det):
                g = backward(g_x, g_log_det)
                self.net.weights[1].grad[0, 0] = np.nan
                return g

            return x, log_det, spoiled

    layer = Wrong(2, (30, 30), rng=np.random.default_rng(0))  # 900 weights: more than are checked one by one
    report = checks.check_bijection(layer, np.random.default_rng(1).standard_normal((5, 2)))
    assert any(c.rung == 5 and "net.W1" in c.quantity for c in report.failures), report
    assert "not finite" in str(report)


def test_one_wrong_entry_among_many_is_found_and_named():
    class Wrong(nfedu.AdditiveCoupling):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)

            def spoiled(g_x, g_log_det):
                g = backward(g_x, g_log_det)
                self.net.weights[1].grad[17, 4] += 1e-3 * len(z)
                return g

            return x, log_det, spoiled

    layer = Wrong(2, (30, 30), activation="tanh", rng=np.random.default_rng(0))
    report = checks.check_bijection(layer, np.random.default_rng(1).standard_normal((5, 2)))
    assert [c.quantity for c in report.failures] == ["z_to_x: net.W1 (complex)"]
    assert "worst at [17, 4]" in report.failures[0].detail
    assert report.failures[0].diagnosis == "wrong in columns [4] only: the others are right"


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (lambda a, b: 3 * (a + b), "off by the factor 3 everywhere"),
        (lambda a, b: a + 2 * b, "log-det term factor of 2 too large"),
        (lambda a, b: 0.5 * a + b, "through the output factor of 2 too small"),
        (lambda a, b: 3 * a + 2 * b, "off by 3 through the output and by 2 through log-det"),
        (lambda a, b: 7 * (a + b), "summed where the mean is taken"),
        (lambda a, b: (a + b) / 7, "divided by N"),
        (lambda a, b: (a + b) * np.arange(1, 4), "wrong in columns [1, 2] only"),
    ],
)
def test_diagnosis_of_gradients(given, words):
    a, b = np.random.default_rng(0).standard_normal((2, 7, 3))
    assert words in diagnosis.of_gradient(given(a, b), a, b, g_out=np.zeros((7, 3)))


def test_diagnosis_of_structure():
    pattern = np.where(np.tri(4), np.nan, 0.0)
    J = np.tri(4)
    J[0, 3] = 1
    assert "the layer promises it does not, at (i, j) = (0, 3)" in diagnosis.of_structure(J, pattern)
    ones = np.where(np.eye(2), 1.0, np.nan)
    assert "the diagonal" in diagnosis.of_structure(np.array([[1.0, 5], [5, 2]]), ones)


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

class Asking(Right):
    def __init__(self, n, strength):
        self.n = n
'''


def test_command_line_judges_anybodys_layer(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(LAYER)
    assert main(["check", f"{tmp_path}/mine.py:Right", "--n", "2"]) == 0
    assert "Right, n = 2, 7 points: all" in capsys.readouterr().out
    assert main(["check", f"{tmp_path}/mine.py:Wrong"]) == 1
    assert "sign flipped: this is the log-det of the other direction" in capsys.readouterr().out
    for place, words in {
        "mine.py": "expected FILE.py:CLASS",
        f"{tmp_path}/none.py:Right": "names no file",
        f"{tmp_path}/mine.py:Nobody": "has no class 'Nobody'; it has ['Right', 'Wrong', 'Asking']",
        f"{tmp_path}/mine.py:Asking": "needs the argument 'strength'",
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
