"""Layers under the checker: small errors are errors, right layers pass, and nothing that a layer does crashes it."""

import numpy as np
import pytest

import nfedu
from nfedu import checks
from nfedu.checks.causes import CAUSES
from tests.registry import points


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
    assert {check.quantity.split(" at ")[0] for check in failures} == {"z_to_x: input (central)"}


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


class GuessLearned(nfedu.Bijection):
    """x = z + tanh z by Newton's iteration from a learned guess: it leaves a trace in a complex step, and no other."""

    def __init__(self, n):
        self.n, self.guess = n, nfedu.Parameter(np.full(n, 0.5))

    def parameters(self):
        return {"guess": self.guess}

    def z_to_x(self, z):
        t, slope = np.tanh(z), 2 - np.tanh(z) ** 2
        return z + t, np.log(slope).sum(axis=1), lambda g, l: g * slope - l[:, None] * 2 * t * (1 - t**2) / slope

    def x_to_z(self, x):
        low, high, z = x - 1, x + 1, x - np.tanh(self.guess.value)
        for _ in range(60):
            low, high = np.where(z + np.tanh(z) < x, z, low), np.where(z + np.tanh(z) < x, high, z)
            newton = z - (z + np.tanh(z) - x) / (2 - np.tanh(z) ** 2)
            z = np.where((newton > low) & (newton < high), newton, (low + high) / 2)
        t, slope = np.tanh(z), 2 - np.tanh(z) ** 2
        return z, -np.log(slope).sum(axis=1), lambda g, l: (g + l[:, None] * 2 * t * (1 - t**2) / slope) / slope


class Branches(nfedu.Bijection):
    """A cube beyond 1, the identity before, each entry on its own by Python's floats: a complex step is cut off."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z):
        over = np.reshape([max(float(value) - 1, 0.0) for value in z.ravel()], z.shape)
        slope = 1 + 3 * over**2
        return z.real + over**3, np.log(slope).sum(axis=1), lambda g, l: g * slope + l[:, None] * 6 * over / slope

    def x_to_z(self, x):
        past = np.reshape([max(float(value) - 1, 0.0) for value in x.ravel()], x.shape)
        over = 2 / np.sqrt(3) * np.sinh(np.arcsinh(1.5 * np.sqrt(3) * past) / 3)
        slope = 1 + 3 * over**2
        z = np.where(past > 0, 1 + over, x.real)
        return z, -np.log(slope).sum(axis=1), lambda g, l: (g - l[:, None] * 6 * over / slope) / slope


class LeakyMean(nfedu.Bijection):
    """Stretches a row's mean, by another factor where it is negative: (8, −8) lies right on the kink."""

    def __init__(self, n):
        self.n = n

    def z_to_x(self, z, up=2.0, down=0.5):
        mean = z.mean(axis=1, keepdims=True)
        factor = np.where(mean > 0, up, down)
        x = z + (factor - 1) * mean
        return x, np.log(factor[:, 0]), lambda g, l: g + (factor - 1) * g.mean(axis=1, keepdims=True)

    def x_to_z(self, x):
        return self.z_to_x(x, 0.5, 2.0)


@pytest.mark.parametrize("kind", [GuessLearned, Branches, LeakyMean])
@pytest.mark.parametrize("n", [1, 2, 3])
def test_right_layers_pass_whatever_they_do_to_a_complex_step(kind, n):
    for seed in range(3):
        rng = np.random.default_rng(seed)
        x = np.append(rng.standard_normal((5, n)), [[8.0, -8.0, 0.0][:n]], axis=0)
        checks.check_bijection(kind(n), x, rng=rng).raise_if_failed()


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
    assert "returned 2 results, expected three results, output, log_det and backward" in str(
        checks.check_bijection(Pair(2), x)
    )


def test_a_whole_flow_may_be_given_to_check_bijection():
    flow = nfedu.Flow(nfedu.StandardNormal(2), nfedu.Rescale(2, 0.5)).astype(np.float32)
    assert checks.check_bijection(flow, np.ones((2, 2))).ok


def test_one_wrong_entry_among_many_is_found_and_named():
    class Wrong(nfedu.AdditiveCoupling):
        def z_to_x(self, z):
            x, log_det, backward = super().z_to_x(z)

            def spoiled(g_x, g_log_det):
                g = backward(g_x, g_log_det)
                self.net.weights[1].grad[17, 4] += 1e-3 * g_x.sum()
                return g

            return x, log_det, spoiled

    layer = Wrong(2, (30, 30), activation="tanh", rng=np.random.default_rng(0))
    report = checks.check_bijection(layer, np.random.default_rng(1).standard_normal((5, 2)))
    assert [c.quantity for c in report.failures] == ["z_to_x: net.W1 (complex)"]
    assert "entry [17, 4]" in report.failures[0].detail
    assert "entries [17, 4]" in report.failures[0].words


class Scale(nfedu.Bijection):
    """x = (s + t) z, right; its kinds below are wrong where the first points do not look."""

    def __init__(self, n=3):
        self.n, self.s, self.t = n, nfedu.Parameter(np.array([0.7, -1.3, 2.0])[:n]), nfedu.Parameter(0.4)

    def z_to_x(self, z):
        scale = self.s.value + self.t.value

        def backward(g, of_log_det):
            of_scale = (g * z).sum(axis=0) + of_log_det.sum() / scale
            self.s.grad += of_scale
            self.t.grad += of_scale.sum()
            return g * scale

        return z * scale, np.full(len(z), self.log_det(scale)), backward

    def x_to_z(self, x):
        scale = self.s.value + self.t.value

        def backward(g, of_log_det):
            of_scale = -(g * x).sum(axis=0) / scale**2 - of_log_det.sum() / scale
            self.s.grad += of_scale
            self.t.grad += of_scale.sum()
            return g / scale

        return x / scale, np.full(len(x), -self.log_det(scale)), backward

    @staticmethod
    def log_det(scale):
        return np.log(scale * np.sign(scale.real)).sum()

    def parameters(self):
        return {"s": self.s, "t": self.t}


class LargeOnly(Scale):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det, lambda g, of_log_det: backward(g, of_log_det) * np.where(abs(z) > 4, 0.5, 1)


class EvenRows(Scale):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)
        return x, log_det + 1e-3 * (len(z) % 2 == 0), backward


class ScalarSign(Scale):
    def z_to_x(self, z):
        x, log_det, backward = super().z_to_x(z)

        def wrong(g, of_log_det):
            before = self.t.grad.copy()
            g_z = backward(g, of_log_det)
            self.t.grad -= 2 * (self.t.grad - before)
            return g_z

        return x, log_det, wrong


def test_the_scale_is_right():
    report = checks.check_bijection(Scale(), points(Scale())).raise_if_failed()
    assert any("parameters moved by 10%" in what for what in report.tried)
    assert any("latents far out" in what for what in report.tried)


@pytest.mark.parametrize(("kind", "cause"), [(LargeOnly, "region"), (EvenRows, "row-position"), (ScalarSign, "sign")])
def test_what_hides_from_the_first_points_is_found_and_named(kind, cause):
    report = checks.check_bijection(kind(), points(Scale()))
    assert report.cause == cause, report
    assert report.failures[0].cause == cause
    assert "test_layers.py:" in report.failures[0].where


def test_the_cause_is_in_the_table_and_the_report_ends_with_the_pointer():
    report = checks.check_bijection(ScalarSign(), points(Scale()))
    assert {check.cause for check in report.failures} <= set(CAUSES)
    assert str(report).endswith("more: python -m nfedu explain sign")


def test_what_cannot_be_copied_is_refused_in_words():
    class Held(Scale):
        def __deepcopy__(self, memo):
            raise TypeError("not twice")

    with pytest.raises(ValueError, match="cannot be copied \\(TypeError: not twice\\)"):
        checks.check_bijection(Held(), np.ones((2, 3)))


def test_the_same_command_gives_the_same_answer():
    first, second = (checks.check_bijection(Scale(), points(Scale())) for _ in range(2))
    assert [(c.quantity, c.error) for c in first.checks] == [(c.quantity, c.error) for c in second.checks]
