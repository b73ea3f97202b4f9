"""Gradients of several arrays at once, and the largest difference, against closed forms."""

import numpy as np
import pytest

from nfedu.checks import gradients, parameter_gradients, worst_difference
from nfedu.networks import MLP


def test_gradients_are_those_of_a_closed_form():
    rng = np.random.default_rng(0)
    A, u, v = rng.standard_normal((3, 2)), rng.standard_normal(3), rng.standard_normal(2)
    found = gradients(lambda A, u, v: (u @ A @ v) ** 2, A, u, v)
    twice = 2 * (u @ A @ v)
    assert worst_difference(found, [twice * np.outer(u, v), twice * A @ v, twice * u @ A]) < 1e-13


def test_parameter_gradients_of_a_linear_network_and_nothing_is_touched():
    rng = np.random.default_rng(1)
    net, x = MLP(3, (), 2, rng=rng), rng.standard_normal((4, 3))
    before = {name: p.value.copy() for name, p in net.parameters().items()}
    found = parameter_gradients(lambda net: (net(x)[0] ** 2).sum(), net)
    y = x @ before["W0"] + before["b0"]
    assert worst_difference(found, [2 * x.T @ y, 2 * y.sum(axis=0)]) < 1e-13
    for name, p in net.parameters().items():
        assert (p.value == before[name]).all()
        assert p.value.dtype == np.float64
        assert not p.grad.any()


def test_the_worst_difference_is_over_all_pairs():
    assert worst_difference([1.0, [2.0, 3.0]], [1.0, [2.0, 3.5]]) == 0.5
    assert np.isnan(worst_difference([1.0, np.nan, 1.0], [1.0, 1.0, 1.0]))
    with pytest.raises(ValueError, match=r"shapes \(2,\) and \(2, 1\)"):
        worst_difference([np.zeros(2)], [np.zeros((2, 1))])
    with pytest.raises(ValueError, match="zip"):
        worst_difference([1.0], [1.0, 2.0])
