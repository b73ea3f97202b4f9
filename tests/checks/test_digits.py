"""Layers that lose digits far out, where 1 − x rounds: a right backward is left alone, a wrong one is caught."""

import numpy as np
import pytest

import nfedu
from nfedu import checks
from tests.planted_bugs import right


class Squashed(right.Scalar):
    """x = 1/(1 + e⁻ᶻ), whose 1 − x has lost most of its digits at z = 30; right all the same."""

    sign = 1.0

    def f(self, z):
        return 1 / (1 + np.exp(-z))

    def inverse(self, x):
        return np.log(x / (1 - x))

    def slope(self, z):
        return self.f(z) * (1 - self.f(z))

    def curve(self, z):
        return self.sign * (1 - 2 * self.f(z))


class Saturated(Squashed):
    """x = tanh(0.6 z), computed of real numbers alone: 1 − x² is two ulps at z = 30."""

    def f(self, z):
        return np.tanh(0.6 * np.array(z, dtype=float))

    def inverse(self, x):
        return np.arctanh(x) / 0.6

    def slope(self, z):
        return 0.6 * (1 - self.f(z) ** 2)

    def curve(self, z):
        return self.sign * -1.2 * self.f(z)


class Decayed(Squashed):
    """x = 1 − e⁻ᶻ."""

    def f(self, z):
        return 1 - np.exp(-z)

    def inverse(self, x):
        return -np.log(1 - x)

    def slope(self, z):
        return 1 - self.f(z)

    def curve(self, z):
        return np.full(z.shape, -self.sign)


class Steep(nfedu.Bijection):
    """x = 1/(1 + e^{−az}), a = e^s: at a = 9 digits are lost among the first points already."""

    sign = 1.0

    def __init__(self, n):
        self.n, self.s = n, nfedu.Parameter(np.full(n, 2.2))

    def parameters(self):
        return {"s": self.s}

    def z_to_x(self, z):
        a = np.exp(self.s.value)
        x = 1 / (1 + np.exp(-a * z))

        def backward(g_x, g_log_det):
            g_u = g_x * x * (1 - x) + g_log_det[:, None] * (1 - 2 * x)
            self.s.grad += (g_u * a * z).sum(axis=0) + self.sign * g_log_det.sum()
            return g_u * a

        return x, (np.log(x * (1 - x)) + self.s.value).sum(axis=1), backward

    def x_to_z(self, x):
        a = np.exp(self.s.value)
        z = np.log(x / (1 - x)) / a

        def backward(g_z, g_log_det):
            self.s.grad -= (g_z * z).sum(axis=0) + g_log_det.sum()
            return (g_z / a - g_log_det[:, None] * (1 - 2 * x)) / (x * (1 - x))

        return z, -(np.log(x * (1 - x)) + self.s.value).sum(axis=1), backward


@pytest.mark.parametrize("kind", [Squashed, Saturated, Decayed, Steep])
@pytest.mark.parametrize("seed", range(3))
def test_a_right_backward_is_not_accused_where_the_map_has_lost_its_digits(kind, seed):
    rng = np.random.default_rng(seed)
    x = kind(3).z_to_x(rng.standard_normal((7, 3)))[0]
    report = checks.check_bijection(kind(3), x, rng=rng).raise_if_failed()
    assert any("lost digits" in left_out for left_out in report.not_judged)
    wrong = kind(3)
    wrong.sign = -1.0
    assert checks.check_bijection(wrong, x, rng=rng).cause == "gradient-logdet-term"


class Softened(right.Scalar):
    """x = log(1 + e^z), which answers no small move at z = −30: log1p would."""

    def f(self, z):
        return np.log(1 + np.exp(z))

    def inverse(self, x):
        return np.log(np.exp(x) - 1)

    def slope(self, z):
        return 1 / (1 + np.exp(-z))

    def curve(self, z):
        return 1 - self.slope(z)


def test_a_map_that_loses_digits_is_told_so_and_its_backward_left_alone():
    x = Softened(3).z_to_x(np.random.default_rng(0).standard_normal((7, 3)))[0]
    report = checks.check_bijection(Softened(3), x)
    assert report.cause == "precision"
    assert {check.rung for check in report.failures} == {2}
    assert "log1p" in report.failures[0].words
