"""Numerical derivatives against closed forms, and what is known of their errors."""

import numpy as np
import pytest

import nfedu
from nfedu import checks
from nfedu.checks.numerics.derivative import Derivative
from nfedu.checks.numerics.matrices import analytic_jacobians
from nfedu.checks.subject.guard import Trouble

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


def column(f):
    """A function of points (N, 1) as `Derivative` takes it."""
    return lambda v: np.asarray(f(v))


def derivative(f, x=X, scale=1.0):
    return Derivative(column(f), x[:, None], np.full((1, 1), scale), np.random.default_rng(0), points=True)


def raises(v):
    if np.iscomplexobj(v):
        raise Trouble("no complex numbers")
    return v**2


@pytest.mark.parametrize(
    ("f", "method"),
    [
        (np.sin, "complex"),
        (lambda v: np.maximum(v, 0), "complex"),
        (lambda v: abs(v) ** 2, "central"),
        (lambda v: v.real**2, "central"),
        (lambda v: v + 0.01 * abs(v), "central"),
        (raises, "central"),
    ],
)
def test_the_complex_step_is_trusted_only_where_it_is_right(f, method):
    assert derivative(f).method == method


def test_central_differences_know_how_far_they_are_off():
    found, unsure = derivative(lambda v: np.exp(v.real)).along(np.ones((3, 1)))
    assert (abs(found[:, 0] - np.exp(X)) <= unsure[:, 0]).all()
    assert (unsure[:, 0] < 1e-6 * np.exp(X)).all()


def test_a_kink_within_the_smallest_step_is_left_out_and_one_within_a_large_step_is_not():
    kinks = X - np.array([1e-9, 3e-7, 1.0])  # before each point
    found, unsure = derivative(lambda v: abs(v.real - kinks[:, None]) * 2).along(np.ones((3, 1)))
    assert np.isinf(unsure[0, 0])
    assert found[1:, 0] == pytest.approx(2.0, abs=1e-6)


def test_a_staircase_has_no_derivative():
    _, unsure = derivative(lambda v: np.sin(v.real.astype(np.float32)).astype(float)).along(np.ones((3, 1)))
    assert np.isinf(unsure).all()


@pytest.mark.parametrize("unit", [1e-6, 1.0, 1e6])
def test_steps_are_taken_in_the_units_of_the_input(unit):
    found, unsure = derivative(lambda v: np.sin(v.real / unit), unit * X, unit).along(np.ones((3, 1)))
    np.testing.assert_allclose(found[:, 0] * unit, np.cos(X), atol=1e-8)
    assert (unsure * unit < 1e-6).all()


@pytest.mark.parametrize("tiny", [1e-3, 1e-45])
def test_the_complex_step_is_small_beside_what_it_moves(tiny):
    found, _ = derivative(np.log, tiny * abs(X), tiny).along(np.ones((3, 1)))
    np.testing.assert_allclose(found[:, 0], 1 / (tiny * abs(X)), rtol=1e-14)


def test_softplus_and_sigmoid_are_accurate_at_both_ends():
    from nfedu.analytic import sigmoid, softplus

    a = np.array([-500.0, -40.0, -1e-9, 0.0, 1e-9, 40.0, 500.0])
    np.testing.assert_allclose(softplus(a), np.logaddexp(a, 0), rtol=1e-15)
    from scipy.special import expit

    np.testing.assert_allclose(sigmoid(a), expit(a), rtol=1e-15)
    for f, slope in ((softplus, expit), (sigmoid, lambda v: expit(v) * expit(-v))):
        np.testing.assert_allclose(f(a + 1e-30j).imag / 1e-30, slope(a), rtol=1e-14)


def test_analytic_jacobians_are_those_of_a_matrix():
    """x = Lz + t with a fixed triangle L: ∂x/∂z = L, ∂z/∂x = L⁻¹, and a log-det without slope."""
    layer = nfedu.MaskedAutoregressive(3, (), rng=RNG)
    z = RNG.standard_normal((4, 3))
    J, of_log_det = analytic_jacobians(layer, "z_to_x", z)
    inverse, _ = analytic_jacobians(layer, "x_to_z", layer.z_to_x(z)[0])
    np.testing.assert_allclose(J @ inverse, np.broadcast_to(np.eye(3), (4, 3, 3)), atol=1e-13)
    numerical, method = checks.layer_jacobians(layer, "z_to_x", z)
    assert method == "complex"
    np.testing.assert_allclose(J, numerical, atol=1e-14)
    h = 1e-6
    for j in range(3):
        step = h * np.eye(3)[j]
        slope = (layer.z_to_x(z + step)[1] - layer.z_to_x(z - step)[1]) / (2 * h)
        np.testing.assert_allclose(of_log_det[:, j], slope, atol=1e-8)


def test_analytic_jacobians_leave_the_gradients_alone():
    layer = nfedu.Rescale(2, 0.5)
    layer.log_s.grad[:] = 7
    J, of_log_det = analytic_jacobians(layer, "z_to_x", np.ones((3, 2)))
    np.testing.assert_array_equal(layer.log_s.grad, 7)
    np.testing.assert_array_equal(J, np.broadcast_to(0.5 * np.eye(2), (3, 2, 2)))
    np.testing.assert_array_equal(of_log_det, 0)
