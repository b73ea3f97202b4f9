"""The conditioner: its output by a loop of its own, its start, its gradient by the ladder of the layers."""

import numpy as np
import pytest

from nfedu import MLP


@pytest.mark.parametrize(
    ("activation", "phi"), [("relu", lambda a: a * (a > 0)), ("tanh", np.tanh), ("softplus", None)]
)
def test_output_is_that_of_the_formula(activation, phi):
    phi = phi or (lambda a: np.logaddexp(a, 0))
    net = MLP(3, (5, 4), 2, activation, rng=np.random.default_rng(0))
    for b in net.biases:
        b.value += np.random.default_rng(1).standard_normal(b.value.shape)
    x = np.random.default_rng(2).standard_normal((6, 3))
    W, b = [p.value for p in net.weights], [p.value for p in net.biases]
    expected = phi(phi(x @ W[0] + b[0]) @ W[1] + b[1]) @ W[2] + b[2]
    np.testing.assert_allclose(net(x)[0], expected, rtol=1e-13, atol=1e-14)
    assert list(net.parameters()) == ["W0", "b0", "W1", "b1", "W2", "b2"]


def test_it_starts_as_documented():
    net = MLP(50, (400, 300), 200, rng=np.random.default_rng(0))
    for W, b, fan_in in zip(net.weights[:2], net.biases[:2], (50, 400), strict=True):
        assert W.value.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.02)
        assert b.value.std() == pytest.approx(np.sqrt(2 / fan_in), rel=0.15)
    assert net.weights[2].value.std() == pytest.approx(0.1 / np.sqrt(300), rel=0.02)
    assert not net.biases[2].value.any()


def test_inputs_and_gradients_are_not_modified():
    net = MLP(3, (5,), 2, rng=np.random.default_rng(0))
    x, g = np.ones((4, 3)), np.ones((4, 2))
    net(x)[1](g)
    assert (x == 1).all()
    assert (g == 1).all()
