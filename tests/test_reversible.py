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


def test_a_map_that_cannot_be_rebuilt_is_refused():
    squash = [nfedu.Rescale(1, 30.0), nfedu.Logit(1, margin=0.0)]  # sigma(30 z) rounds to nearly 1: z is lost
    flow = nfedu.Reversible(squash)
    x, log_det, backward = flow.z_to_x(np.array([[1.19], [0.5]]))
    with pytest.raises(ValueError, match=r"is off by .*, so the gradient is wrong.*use Chain"):
        backward(np.ones_like(x), np.ones_like(log_det))
