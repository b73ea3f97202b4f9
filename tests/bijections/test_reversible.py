"""The reversible memory mode: the gradients of a Chain, in memory that does not grow with depth."""

import copy
import tracemalloc

import numpy as np
import pytest

import nfedu


def layers(depth, n=16, seed=0):
    rng = np.random.default_rng(seed)
    return [nfedu.AdditiveCoupling(n, (64,), flip=bool(m % 2), activation="tanh", rng=rng) for m in range(depth)]


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_gradients_are_those_of_a_chain(dtype):
    made = layers(6)
    chain = nfedu.Flow(nfedu.StandardNormal(16), nfedu.Chain(made)).astype(dtype)
    reversible = nfedu.Flow(nfedu.StandardNormal(16), nfedu.Reversible(copy.deepcopy(made))).astype(dtype)
    x = np.random.default_rng(1).standard_normal((50, 16))
    assert chain.nll(x) == reversible.nll(x)
    scale = abs(chain.grad).max()
    assert abs(chain.grad - reversible.grad).max() < 100 * np.finfo(dtype).eps * scale


def peak_bytes(kind, depth):
    flow = nfedu.Flow(nfedu.StandardNormal(16), kind(layers(depth)))
    x = np.random.default_rng(0).standard_normal((2000, 16))
    tracemalloc.start()
    flow.nll(x)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    return peak


def test_memory_does_not_grow_with_depth():
    assert peak_bytes(nfedu.Chain, 24) > 3 * peak_bytes(nfedu.Chain, 4)
    assert peak_bytes(nfedu.Reversible, 24) < 1.2 * peak_bytes(nfedu.Reversible, 4)


ONES = np.ones((2, 1)), np.ones(2)


def test_a_map_that_squeezes_is_refused_by_its_log_det():
    """Far in the tail of the logistic map x keeps few digits of z; seen from the far end, 1e-8 z hides that."""
    squash = nfedu.Reversible([nfedu.Rescale(1, 1e8), nfedu.Logit(1, margin=0.0)])
    backward = squash.z_to_x(np.array([[3.4e-7], [3.5e-7]]))[2]
    with pytest.raises(ValueError, match=r"log-det at its rebuilt input is off by .*use Chain"):
        backward(*ONES)


def test_a_shift_that_swallows_digits_is_refused_by_the_input():
    coupling = nfedu.AdditiveCoupling(2, (8,), rng=np.random.default_rng(0))
    coupling.net.weights[-1].value *= 1e12
    backward = nfedu.Reversible([coupling]).z_to_x(np.random.default_rng(1).standard_normal((2, 2)))[2]
    with pytest.raises(ValueError, match=r"the rebuilt input is off by .*, so the gradient is wrong.*use Chain"):
        backward(np.ones((2, 2)), np.ones(2))


def test_an_input_outside_the_domain_is_refused_by_name():
    squash = nfedu.Reversible([nfedu.Logit(1, margin=0.0)])
    backward = squash.z_to_x(np.array([[1.0], [40.0]]))[2]  # sigma(40) rounds to 1
    with pytest.raises(ValueError, match=r"Reversible: a layer's input cannot be rebuilt, use Chain: Logit"):
        backward(*ONES)
