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
from nfedu.checks.gradients import compare_gradient
from nfedu.checks.report import Report, relative_error, worst_entry
from tests.registry import points

RNG = np.random.default_rng(0)
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
        (lambda v: v + 0.01 * abs(v), "central"),
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


@pytest.mark.parametrize("size", [3, 1000])  # compared entry by entry, and projected
def test_a_gradient_of_nans_fails(size):
    report, at = Report("planted"), np.linspace(-1, 1, size)
    given = 2 * at
    given[-1] = np.nan
    compare_gradient(report, "planted", given, lambda v: np.stack([(v**2).sum(), 0 * v.sum()]), at, RNG)
    assert not report.ok
    assert "not finite" in report.failures[0].diagnosis


class NaNs(nfedu.StandardNormal):
    """NaN where |z| > 2: far out enough for the points of the first rungs not to see it."""

    def log_prob(self, z):
        return np.where(np.linalg.norm(z, axis=1) > 2, np.nan, super().log_prob(z))


@pytest.mark.parametrize("n", [2, 3])
def test_a_density_of_nans_fails(n):
    flow = nfedu.Flow(NaNs(n), nfedu.Rescale(n, 0.7))
    report = checks.check_flow(flow, 0.1 * np.random.default_rng(0).standard_normal((5, n)))
    assert {check.rung for check in report.failures} == {6}
    assert len(report.failures) == (2 if n == 2 else 1)


def spoil(layer, of):
    """A layer whose z_to_x is right but for what `of` does to (x, log_det, backward)."""
    kind = type(layer)
    return type("Spoiled", (kind,), {"z_to_x": lambda self, z: of(*kind.z_to_x(self, z))})


@pytest.mark.parametrize(
    ("rung", "of"),
    [
        (1, lambda x, log_det, backward: (x + 1e-9 * x.mean(axis=0), log_det, backward)),
        (2, lambda x, log_det, backward: (x * (1 + 1e-10), log_det, backward)),
        (3, lambda x, log_det, backward: (x, log_det + 1e-8, backward)),
        (4, lambda x, log_det, backward: (x + 1e-9 * x[:, ::-1], log_det, backward)),
        (5, lambda x, log_det, backward: (x, log_det, lambda g, gl: backward(g, gl) * (1 + 1e-9))),
    ],
)
def test_small_errors_are_errors(rung, of):
    layer = nfedu.SinhArcsinh(3, [0.1, -0.4, 0.2], [0.8, 1.1, 0.9])
    spoiled = spoil(layer, of)(3, layer.skew, layer.tail)
    report = checks.check_bijection(spoiled, points(layer))
    assert rung in {check.rung for check in report.failures}, report


def test_small_errors_are_errors_to_central_differences_too():
    class Wrong(nfedu.Exp):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z.real)  # no complex step passes
            return x, log_det, lambda g_x, g_log_det: backward(g_x, g_log_det) * (1 + 1e-4)

    failures = checks.check_bijection(Wrong(2), np.random.default_rng(0).uniform(0.5, 2, (5, 2))).failures
    assert [check.quantity for check in failures] == ["z_to_x: input (central)"]


def test_a_promised_entry_must_hold_to_the_last_digits():
    class Wrong(nfedu.Shift):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)
            return x + 1e-9 * z, log_det, backward

        def jacobian_pattern(self):
            return np.eye(self.n), np.eye(self.n)

    failures = checks.check_bijection(Wrong(2), np.ones((3, 2)) * [[1], [2], [3]]).failures
    assert (4, "z_to_x: fixed entries") in {(check.rung, check.quantity) for check in failures}


def test_a_mistake_that_hides_at_the_starting_values_is_found():
    class Wrong(nfedu.Rescale):  # multiplies both ways: at s = 1 nobody sees it
        def x_to_z(self, x):
            z, log_det, backward = super().z_to_x(x)
            return z, log_det, backward

    report = checks.check_bijection(Wrong(3), np.random.default_rng(0).standard_normal((5, 3)))
    assert not report.ok
    assert {2, 3} & {check.rung for check in report.failures}


class Linear(nfedu.Bijection):
    """x = Wz with the log-det left out: right as long as W keeps volume, as the identity does."""

    def __init__(self, n):
        self.n, self.W = n, nfedu.Parameter(np.eye(n))

    def z_to_x(self, z):
        def backward(g_x, g_log_det):
            self.W.grad += g_x.T @ z
            return g_x @ self.W.value

        return z @ self.W.value.T, np.zeros(len(z), z.dtype), backward

    def x_to_z(self, x):
        W = np.linalg.inv(self.W.value)
        z = x @ W.T

        def backward(g_z, g_log_det):
            self.W.grad -= (g_z @ W).T @ z
            return g_z @ W

        return z, np.zeros(len(x), x.dtype), backward

    def parameters(self):
        return {"W": self.W}


def test_a_mistake_that_hides_at_the_identity_is_found():
    report = checks.check_bijection(Linear(3), np.random.default_rng(0).standard_normal((5, 3)))
    assert 3 in {check.rung for check in report.failures}


def test_a_parameter_that_is_forgotten_is_found():
    class Forgets(nfedu.Rescale):
        def parameters(self):
            return {}

    report = checks.check_bijection(Forgets(2, 0.5), np.ones((3, 2)) * [[1], [2], [3]])
    assert "parameters() does not return log_s" in str(report)


def test_an_inverse_that_only_remembers_is_found():
    class Remembers(nfedu.Exp):
        def z_to_x(self, z):
            self.last = z
            return super().z_to_x(z)

        def x_to_z(self, x):
            z, log_det, backward = super().x_to_z(x)
            last = getattr(self, "last", None)
            return (last if last is not None and last.shape == z.shape else z + 1.0), log_det, backward

    assert not checks.check_bijection(Remembers(2), np.random.default_rng(0).uniform(0.5, 2, (5, 2))).ok


@pytest.mark.parametrize(
    ("layer", "x"),
    [
        (nfedu.Exp(1), [[1e-6], [1.0]]),
        (nfedu.Logit(1, 0.0), [[1e-6], [1 - 1e-6], [0.5]]),
        (nfedu.Rescale(2, 1e-8), [[1e-8, 2e-8], [-1e-8, 3e-8]]),
        (nfedu.Rescale(2, [1e-6, 1e6]), [[1e-6, 2e6], [-1e-6, 3e6]]),
        (nfedu.SinhArcsinh(2), [[0.1, 2.0], [-1.0, 0.4]]),
        (nfedu.Reversible([nfedu.SinhArcsinh(2)]), [[0.1, 2.0], [-1.0, 0.4]]),
    ],
)
def test_right_layers_pass_near_the_edge_of_their_domain_and_at_any_scale(layer, x):
    checks.check_bijection(layer, x).raise_if_failed()


def test_right_flows_pass_where_gradients_cancel_and_densities_have_edges():
    for layers in ([nfedu.Logit(2, 0.0)], [nfedu.Rescale(2), nfedu.Logit(2)], [nfedu.Rescale(2, 5.0), nfedu.Logit(2)]):
        flow = nfedu.Flow(nfedu.StandardLogistic(2), layers)
        checks.check_flow(flow, np.random.default_rng(0).uniform(0.1, 0.9, (5, 2))).raise_if_failed()
    untrained = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Reversible([nfedu.SinhArcsinh(2)]))
    checks.check_flow(untrained, np.random.default_rng(0).standard_normal((5, 2))).raise_if_failed()


def test_the_layer_itself_is_not_moved():
    layer = nfedu.Rescale(3)
    checks.check_bijection(layer, np.ones((2, 3)))
    np.testing.assert_array_equal(layer.log_s.value, 0)


def test_a_layer_that_raises_or_is_singular_gets_a_report():
    class Raises(nfedu.Exp):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)
            return -x, log_det, backward  # outside the domain of x_to_z

    class Singular(nfedu.Shift):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)
            return x * [1, 0], log_det + 1, backward

    class Pair(nfedu.Shift):
        def z_to_x(self, z):
            return super().z_to_x(z)[:2]

    x = np.random.default_rng(0).uniform(0.5, 2, (5, 2))
    assert "raised ValueError: Raises: x[0, 0]" in str(checks.check_bijection(Raises(2), x))
    assert "the Jacobian is singular" in str(checks.check_bijection(Singular(2), x))
    assert "expected three results, output, log_det and backward, got 2" in str(checks.check_bijection(Pair(2), x))


def test_a_whole_flow_may_be_given_to_check_bijection():
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2, 0.5)).astype(np.float32)
    assert checks.check_bijection(flow, np.ones((2, 2))).ok


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


@pytest.mark.parametrize("sigma", [0.5, 1.0, 2.0])
def test_level_area_of_a_gaussian_is_known_and_the_bound_is_then_its_entropy(sigma):
    grid = checks.density_on_grid(nfedu.GaussianMixture([[0.0, 0.0]], sigma**2), -9 * sigma, 9 * sigma, 900)
    area = checks.level_area(grid.density, (18 * sigma / 900) ** 2)
    assert area == pytest.approx(2 * np.pi * sigma**2, rel=1e-5)  # E[π|x|²]
    entropy = 1 + np.log(2 * np.pi * sigma**2)
    assert 1 + np.log(area) == pytest.approx(entropy, abs=1e-5)


def test_level_area_shares_ties():
    assert checks.level_area(np.ones((5, 4)), 0.1) == pytest.approx(
        1.0
    )  # uniform on an area of 2: half of it, on average


def test_a_grid_takes_midpoints():
    class Line(nfedu.StandardNormal):
        def log_prob(self, x):
            return np.log(x[:, 0])

    grid = checks.density_on_grid(Line(1), 0, 1, 4)
    np.testing.assert_allclose(grid.axes[0], [0.125, 0.375, 0.625, 0.875])
    assert grid.integral == pytest.approx(0.5, rel=1e-12)  # exact for a linear function


def test_diagnosis_of_log_dets():
    b = np.linspace(1, 2, 7)
    assert diagnosis.of_log_det(b + 1e-8, b).startswith("right to six digits")
    assert "not finite" in diagnosis.of_log_det(b * np.nan, b)
    assert "a constant is missing: all rows are off by -0.5" in diagnosis.of_log_det(b - 0.5, b)
    assert "from row to row" in diagnosis.of_log_det(b**2, b)
    assert "the same in all rows, off by the factor 3 or by 4" in diagnosis.of_log_det(np.full(7, 6.0), np.full(7, 2.0))


def test_diagnosis_of_round_trips():
    x = np.arange(6.0).reshape(2, 3)
    assert "only columns [1]" in diagnosis.of_round_trip(x + np.eye(3)[1], x)
    assert "no column comes back" in diagnosis.of_round_trip(x + 1, x)
    assert "close, not exact" in diagnosis.of_round_trip(x + 1e-9, x)


def test_diagnosis_of_structure():
    pattern = np.where(np.tri(4), np.nan, 0.0)
    J = np.tri(4)
    J[0, 3] = 1
    assert "the layer promises it does not, at (i, j) = (0, 3)" in diagnosis.of_structure(J, pattern, 1e-9)
    ones = np.where(np.eye(2), 1.0, np.nan)
    assert "the diagonal" in diagnosis.of_structure(np.array([[1.0, 5], [5, 2]]), ones, 1e-9)


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
    assert "sign flipped: this is the log-det of the other direction" in capsys.readouterr().out
    for place, words in {
        "mine.py": "expected FILE.py:CLASS",
        f"{tmp_path}/none.py:Right": "names no file and class; expected FILE.py:CLASS; there is no file",
        f"{tmp_path}/mine.py:Nobody": "has no class 'Nobody'; it has ['Right', 'Wrong', 'Positive', ",
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
