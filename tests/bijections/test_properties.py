"""Properties that must hold for any input: random layers, dimensions and points, by hypothesis."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

import nfedu
from nfedu.checks import layer_jacobians
from tests.registry import ENTRIES

seeds = st.integers(0, 2**32 - 1)


@given(seeds, st.integers(2, 6), st.integers(1, 6))
@settings(max_examples=40, deadline=None)
def test_random_chains_come_back_and_their_log_dets_are_those_of_the_jacobian(seed, n, depth):
    rng = np.random.default_rng(seed)
    entries = [entry for entry in ENTRIES if {2, 3, 5} <= set(entry.dimensions) and "in training" not in entry.name]
    onto_a_part = ("Exp", "Logit", "Histogram", "Chain")  # of the line: other layers do not stay there
    entries = [entry for entry in entries if entry.name.split(",")[0] not in onto_a_part]
    chain = nfedu.Chain([entries[i].build(n, rng) for i in rng.integers(len(entries), size=depth)])
    z = rng.standard_normal((3, n))
    x, log_det, _ = chain.z_to_x(z)
    back, other, _ = chain.x_to_z(x)
    J, _ = layer_jacobians(chain, "z_to_x", z)
    size = 1 + abs(np.linalg.inv(J)).max() * max(1, abs(x).max())  # how much rounding in x can move z
    np.testing.assert_allclose(back, z, atol=1e-13 * size)
    np.testing.assert_allclose(other, -log_det, rtol=1e-8, atol=1e-12 * size)
    np.testing.assert_allclose(log_det, np.linalg.slogdet(J)[1], rtol=1e-9, atol=1e-9)


@given(st.integers(1, 12).flatmap(lambda n: st.permutations(range(n))))
def test_any_permutation_is_undone(permutation):
    layer = nfedu.Permute(permutation)
    z = np.arange(2.0 * layer.n).reshape(2, layer.n)
    x = layer.z_to_x(z)[0]
    np.testing.assert_array_equal(x[0], z[0][list(permutation)])
    np.testing.assert_array_equal(layer.x_to_z(x)[0], z)
